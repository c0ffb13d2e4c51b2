<?php
// A PHP worker as people write it. Usage: php worker.php PORT
$worker = new GearmanWorker();
$worker->addServer('127.0.0.1', (int) $argv[1]);

$worker->addFunction('reverse', function (GearmanJob $job) {
    return strrev($job->workload());
});

$worker->addFunction('steps', function (GearmanJob $job) {
    $count = (int) $job->workload();
    for ($i = 1; $i <= $count; $i++) {
        $job->sendStatus($i, $count);
        $job->sendData("step $i");
    }
    return "$count steps";
});

$worker->addFunction('warn', function (GearmanJob $job) {
    $job->sendWarning('careful');
    return 'warned';
});

$worker->addFunction('boom', function (GearmanJob $job) {
    $job->sendException('it went wrong: ' . $job->workload());
});

$worker->addFunction('give_up', function (GearmanJob $job) {
    $job->sendFail();
});

while ($worker->work()) {
    if ($worker->returnCode() != GEARMAN_SUCCESS) {
        fwrite(STDERR, 'worker: ' . $worker->error() . "\n");
    }
}
