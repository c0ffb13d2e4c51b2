<?php
/* A PHP page asks a Node.js worker, and waits for the answer. Usage: php client.php HOST PORT WORDS */
[, $host, $port, $words] = $argv;
$client = new GearmanClient();
$client->addServer($host, (int) $port);
$answer = json_decode($client->doNormal('slug', json_encode(['words' => $words])), true);
if ($client->returnCode() !== GEARMAN_SUCCESS) exit("failed: {$client->error()}\n");
echo "{$answer['slug']}\n";
