<?php
/* A PHP worker runs what Node.js asks for. Usage: php worker.php HOST PORT */
[, $host, $port] = $argv;
$worker = new GearmanWorker();
$worker->addServer($host, (int) $port);
$worker->addFunction('ucwords', fn (GearmanJob $job) => json_encode(ucwords(json_decode($job->workload()))));
while ($worker->work());
