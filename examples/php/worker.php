<?php
/*
 * A PHP worker runs what `client.mjs` asks for. Needs the extension gearman (Debian: php-gearman).
 *
 *   php examples/php/worker.php
 */
$worker = new GearmanWorker();
$worker->addServer('127.0.0.1', 4730);
$worker->addFunction('ucwords', fn (GearmanJob $job) => json_encode(ucwords(json_decode($job->workload()))));
while ($worker->work());
