import type { WireConnection } from '../wire.ts';

/** Submits a background job until the store takes it. */
export async function untilTaken(client: WireConnection, unique: string): Promise<void> {
  for (;;) {
    client.send('SUBMIT_JOB_BG', 'f', unique, 'w');
    const item = await client.next();
    if (item.kind === 'packet' && item.name === 'JOB_CREATED') return;
    // The next attempt of the server is no event that a client could await.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
