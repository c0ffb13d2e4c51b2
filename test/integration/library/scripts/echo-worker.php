<?php
// Gives every workload back. Usage: php echo-worker.php PORT
$worker = new GearmanWorker();
$worker->addServer('127.0.0.1', (int) $argv[1]);
$worker->addFunction('echo', fn (GearmanJob $job) => $job->workload());
while ($worker->work()) {
    if ($worker->returnCode() != GEARMAN_SUCCESS) {
        fwrite(STDERR, 'worker: ' . $worker->error() . "\n");
    }
}
