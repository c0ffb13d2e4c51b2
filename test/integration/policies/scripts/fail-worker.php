<?php
// A worker whose function `f` always fails; writes a line for each run. Argument: port.
$worker = new GearmanWorker();
$worker->addServer('127.0.0.1', (int) $argv[1]);
$worker->addFunction('f', function (GearmanJob $job) {
    fwrite(STDOUT, "run\n");
    $job->sendFail();
});
while (true) {
    @$worker->work();
}
