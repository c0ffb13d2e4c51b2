/**
 * Right and wrong uses of the library's types; compiled by test/unit/client/types.test.ts, never run. A line after
 * `@ts-expect-error` must be refused, every other one must be accepted.
 */
import {
  type AnyFunctions,
  Client,
  createServer,
  type JobEvent,
  json,
  type SubmittedJob,
  Worker,
} from '../../src/index.ts';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(_value?: T): void => {};

interface Functions {
  add: { input: number[]; output: number };
  name: { input: { id: number }; output: string | null };
}

export async function untyped(): Promise<void> {
  const client = new Client();
  const job = client.submit('anything', 'text');
  yes<Same<typeof job, SubmittedJob<Uint8Array>>>();
  yes<Same<Awaited<typeof job>, Uint8Array>>();
  client.submit('anything', new Uint8Array(1), { unique: 'u', priority: 'high' });
  const background = client.submit('anything', 'x', { background: true });
  yes<Same<Awaited<typeof background>, string>>();
  const scheduled = client.submit('anything', 'x', { runAt: new Date() });
  yes<Same<Awaited<typeof scheduled>, string>>();
  for await (const event of job) {
    yes<Same<typeof event, JobEvent<Uint8Array>>>();
    if (event.type === 'status') event.numerator.toFixed();
    if (event.type === 'data') event.data.length.toFixed();
    if (event.type === 'complete') event.result.length.toFixed();
    // @ts-expect-error only data, warning and exception have bytes
    event.data;
  }
  // @ts-expect-error a number needs a codec
  client.submit('anything', 7);
  // @ts-expect-error no such priority
  client.submit('anything', 'x', { priority: 'urgent' });
  await client.submitMany([{ functionName: 'f', input: 'x', background: true }]);
}

export async function typed(): Promise<void> {
  const client = new Client<Functions>({ codec: json });
  const sum = await client.submit('add', [1, 2]);
  yes<Same<typeof sum, number>>();
  const name = await client.submit('name', { id: 7 });
  yes<Same<typeof name, string | null>>();
  yes<Same<Awaited<ReturnType<typeof handleOf>>, string>>();
  // @ts-expect-error functions that are not bytes need a codec
  new Client<Functions>();
  // @ts-expect-error no such function
  client.submit('subtract', [1]);
  // @ts-expect-error wrong input
  client.submit('add', 'text');
  await client.submitMany([
    { functionName: 'add', input: [1] },
    { functionName: 'name', input: { id: 1 }, unique: 'u' },
  ]);
  // @ts-expect-error the input of another function
  await client.submitMany([{ functionName: 'add', input: { id: 1 } }]);
}

const handleOf = (client: Client<Functions>) => client.submit('add', [], { background: true });

export function workers(): void {
  const worker = new Worker({ server: createServer() });
  worker.add('a', (job) => job.text());
  worker.add('b', async (job, { signal }) => {
    signal.throwIfAborted();
    yes<Same<typeof job.input, Uint8Array>>();
  });
  worker.add('c', { file: new URL('./c.js', import.meta.url), threads: 2 }, { timeoutMs: 1000 });
  // @ts-expect-error a number needs a codec
  worker.add('d', () => 7);
  const adder = new Worker<Functions>({ codec: json });
  adder.add('add', (job) => {
    yes<Same<typeof job.input, number[]>>();
    return job.input.length;
  });
  adder.add('name', async () => null);
  // @ts-expect-error wrong output
  adder.add('add', () => 'seven');
  // @ts-expect-error no such function
  adder.add('subtract', () => 7);
  // @ts-expect-error functions that are not bytes need a codec
  new Worker<Functions>();
  const any = new Worker<AnyFunctions>({ codec: json });
  any.add('x', (job) => job.input.anything);
}
