/**
 * Node.js asks the PHP worker `worker.php`.
 *
 *   npx --no -- gearmand --listen 127.0.0.1 &
 *   php examples/php/worker.php &
 *   node examples/php/client.mjs 'from node and back'
 */
import { Client, json } from 'geartrain';

const client = new Client({ servers: ['127.0.0.1:4730'], codec: json });
console.log(await client.submit('ucwords', process.argv[2], { timeoutMs: 10_000 }));
await client.close();
