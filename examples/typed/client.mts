/** A typed client of `worker.mts`: names, inputs and results of functions are checked by the compiler. */
import { Client, json } from 'geartrain';
import type { Functions } from './functions.mjs';

const client = new Client<Functions>({ servers: ['127.0.0.1:4730'], codec: json });

const sum: number = await client.submit('add', [1, 2, 3]);
console.log(sum);
console.log(await client.submit('greet', { name: 'Ada', language: 'de' }));

await client.close();

/** Never called: the compiler refuses these. */
export function refused(): void {
  // @ts-expect-error: there is no such function
  void client.submit('subtract', [3, 2]);
  // @ts-expect-error: `add` takes numbers
  void client.submit('add', 'one and two');
}
