/**
 * Jobs in a unit test: every test has a job server of its own in this process. It needs no port and no other program.
 * The same works with vitest and Jest.
 *
 *   node --test examples/testing/jobs.test.mjs
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Client, createServer, JobFailed, json } from 'geartrain';
import { makeWorker } from './jobs.mjs';

let server;
let client;
let worker;
beforeEach(async () => {
  server = createServer();
  client = new Client({ server, codec: json });
  worker = makeWorker({ server });
  await worker.start();
});
afterEach(async () => {
  await client.close();
  await worker.close();
  await server.close();
});

test('an invoice has its tax added', async () => {
  const invoice = await client.submit('invoice', { net: 100, percent: 19 });
  assert.deepEqual(invoice, { net: 100, gross: 119 });
});

test('an invoice without an amount fails, and the client learns why', async () => {
  await assert.rejects(client.submit('invoice', { percent: 19 }), (error) => {
    assert.ok(error instanceof JobFailed);
    assert.equal(Buffer.from(error.exception).toString(), 'net is undefined');
    return true;
  });
});

test('progress is sent before the result', async () => {
  const types = [];
  for await (const event of client.submit('invoice', { net: 1, percent: 7 }))
    types.push(event.type);
  assert.deepEqual(types, ['status', 'complete']);
});
