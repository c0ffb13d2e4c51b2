<?php
/*
 * A PHP page asks a Node.js worker and waits for the answer. Needs the extension gearman (Debian: php-gearman).
 *
 *   npx --no -- gearmand --listen 127.0.0.1 &
 *   node examples/php/worker.mjs &
 *   php examples/php/client.php 'Now on sale!'
 */
$client = new GearmanClient();
$client->addServer('127.0.0.1', 4730);
$answer = json_decode($client->doNormal('slug', json_encode(['words' => $argv[1]])), true);
if ($client->returnCode() !== GEARMAN_SUCCESS) exit("failed: {$client->error()}\n");
echo "{$answer['slug']}\n";
