/** Node.js asks a PHP worker. Usage: node client.mjs HOST:PORT WORDS */
import { Client, json } from 'geartrain';

const [server, words] = process.argv.slice(2);
const client = new Client({ servers: [server], codec: json });
console.log(await client.submit('ucwords', words, { timeoutMs: 10_000 }));
await client.close();
