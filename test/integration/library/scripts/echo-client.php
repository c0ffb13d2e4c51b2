<?php
// Sends workloads of the sizes given and compares what comes back. Usage: php echo-client.php PORT SIZE...
$client = new GearmanClient();
$client->addServer('127.0.0.1', (int) $argv[1]);
$client->setTimeout(60000);
foreach (array_slice($argv, 2) as $size) {
    $data = '';
    for ($i = 0; strlen($data) < min((int) $size, 1 << 16); $i++) {
        $data .= hash('sha256', "$size $i", true);
    }
    $data = $size > strlen($data) ? str_repeat($data, intdiv($size, strlen($data)) + 1) : $data;
    $data = substr($data, 0, (int) $size);
    $result = $client->doNormal('echo', $data);
    echo $size, $client->returnCode() === GEARMAN_SUCCESS && $result === $data ? " equal\n" : " different\n";
}
