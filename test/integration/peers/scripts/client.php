<?php
// A PHP client as people write it; prints one line a result. Usage: php client.php PORT
$port = (int) $argv[1];
$client = new GearmanClient();
$client->addServer('127.0.0.1', $port);
$client->setTimeout(10000);

function say(string $line): void
{
    echo $line, "\n";
}

say('normal: ' . $client->doNormal('reverse', 'Hello World!'));
say('high: ' . $client->doHigh('reverse', 'abc'));
say('low: ' . bin2hex($client->doLow('reverse', "a\0b")));
$big = str_repeat('0123456789', 20000);
say('big: ' . ($client->doNormal('reverse', $big) === strrev($big) ? 'equal' : 'different'));
say('ping: ' . ($client->ping('are you there?') ? 'yes' : 'no'));

$handle = $client->doBackground('reverse', 'later');
say('background: ' . ($client->returnCode() == GEARMAN_SUCCESS ? 'accepted' : $client->error()));
for ($i = 0; $i < 500; $i++) {
    [$known, $running] = $client->jobStatus($handle);
    if (!$known) {
        break;
    }
    usleep(10000);
}
say('background: ' . ($known ? 'still known' : 'done'));

// Status, data and results of several tasks at once.
$tasks = new GearmanClient();
$tasks->addServer('127.0.0.1', $port);
$tasks->setTimeout(10000);
$said = [];
$tasks->setCreatedCallback(function (GearmanTask $task) use (&$said) {
    $said[] = 'created ' . $task->unique();
});
$tasks->setStatusCallback(function (GearmanTask $task) use (&$said) {
    $said[] = 'status ' . $task->unique() . ' ' . $task->taskNumerator() . '/' . $task->taskDenominator();
});
$tasks->setDataCallback(function (GearmanTask $task) use (&$said) {
    $said[] = 'data ' . $task->unique() . ' ' . $task->data();
});
$tasks->setWarningCallback(function (GearmanTask $task) use (&$said) {
    $said[] = 'warning ' . $task->unique() . ' ' . $task->data();
});
$tasks->setCompleteCallback(function (GearmanTask $task) use (&$said) {
    $said[] = 'complete ' . $task->unique() . ' ' . $task->data();
});
$tasks->setExceptionCallback(function (GearmanTask $task) use (&$said) {
    $said[] = 'exception ' . $task->unique() . ' ' . $task->data();
});
$tasks->setFailCallback(function (GearmanTask $task) use (&$said) {
    $said[] = 'fail ' . $task->unique();
});
$tasks->addTask('reverse', 'one', null, 'r1');
$tasks->addTaskHigh('reverse', 'two', null, 'r2');
$tasks->addTask('steps', '2', null, 's1');
$tasks->addTask('warn', 'w', null, 'w1');
$tasks->addTaskBackground('reverse', 'three', null, 'b1');
$tasks->addTask('boom', 'x', null, 'e1');
say('tasks: ' . ($tasks->runTasks() ? 'ok' : 'code ' . $tasks->returnCode()));
sort($said);
foreach ($said as $line) {
    say("  $line");
}

$failing = new GearmanClient();
$failing->addServer('127.0.0.1', $port);
$failing->setTimeout(10000);
$failing->doNormal('give_up', 'x');
say('fail: ' . ($failing->returnCode() == GEARMAN_WORK_FAIL ? 'heard' : 'code ' . $failing->returnCode()));
$failing->doNormal('boom', 'y');
say('exception: code ' . ($failing->returnCode() == GEARMAN_WORK_EXCEPTION ? 'WORK_EXCEPTION' : $failing->returnCode()));
say('after: ' . $failing->doNormal('reverse', 'still here'));
