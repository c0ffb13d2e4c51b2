/** Scripted servers, and clients or workers that talk to them, for one test file; all are ended after each test. */
import { afterEach } from 'vitest';
import { ScriptedServer } from './scripted-server.ts';

const open: AsyncDisposable[] = [];

/** Ends the servers and clients of a test. Call it once in each file. */
export function endScripted(): void {
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
  });
}

export function keep<T extends AsyncDisposable>(one: T): T {
  open.push(one);
  return one;
}

export async function scripted(): Promise<ScriptedServer> {
  return keep(await ScriptedServer.start());
}

/** Options of clients and workers: these servers, which are soon tried again. */
export const quick = (servers: readonly ScriptedServer[]) => ({
  servers: servers.map((server) => server.address),
  backoff: { minMs: 1, maxMs: 20 },
});
