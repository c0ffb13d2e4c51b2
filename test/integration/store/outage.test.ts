/**
 * A database server that is killed under load and started again: what needs it is refused meanwhile, all else goes on,
 * nothing acknowledged is lost, and no job that has ended comes back.
 */
import { describe, expect, it } from 'vitest';
import { useYard, variants } from '../../support/embedding/servers.ts';
import { DATABASES } from '../../support/store/databases.ts';
import type { WireConnection } from '../../support/wire.ts';

const yard = useYard();
const [variant] = variants([2]);
if (variant === undefined) throw new Error('no way to run a server');
const FUNCTIONS = ['f0', 'f1', 'f2', 'f3'];
const SUBMITTERS = 3;
const PIPELINED = 10;
const OUTAGES = process.env.GEARTRAIN_FULL === '1' ? 10 : 1;

/** What clients and workers have seen. */
class Books {
  readonly acknowledged = new Set<string>();
  readonly ran = new Map<string, number>();
  refused = 0;
  foreground = 0;
  isOver = false;
  #look: (() => void)[] = [];

  changed(): void {
    for (const look of this.#look.splice(0)) look();
  }

  async until(ready: () => boolean): Promise<void> {
    while (!ready()) await new Promise<void>((resolve) => this.#look.push(resolve));
  }
}

async function submit(client: WireConnection, books: Books, prefix: string): Promise<void> {
  for (let number = 0; !books.isOver; ) {
    const sent: string[] = [];
    for (let i = 0; i < PIPELINED; i++) {
      const name = `${prefix}${++number}`;
      client.send('SUBMIT_JOB_BG', FUNCTIONS[number % 4] as string, number % 2 ? name : '', name);
      sent.push(name);
    }
    for (const name of sent) {
      const item = await client.next();
      if (item.kind === 'packet' && item.name === 'JOB_CREATED') books.acknowledged.add(name);
      else books.refused++;
      books.changed();
    }
  }
}

async function work(worker: WireConnection, books: Books): Promise<void> {
  for (const name of [...FUNCTIONS, 'foreground']) worker.send('CAN_DO', name);
  for (;;) {
    worker.send('GRAB_JOB');
    const item = await worker.next();
    if (item.kind === 'packet' && item.name === 'JOB_ASSIGN') {
      const name = String(item.data);
      books.ran.set(name, (books.ran.get(name) ?? 0) + 1);
      worker.send('WORK_COMPLETE', item.args[0] as Buffer, 'done');
      continue;
    }
    if (books.isOver) return;
    worker.send('PRE_SLEEP');
    await worker.expect('NOOP');
  }
}

/** One foreground job after the other. */
async function runForeground(client: WireConnection, books: Books): Promise<void> {
  while (!books.isOver) {
    await client.ask('JOB_CREATED', 'SUBMIT_JOB', 'foreground', '', 'now');
    await client.expect('WORK_COMPLETE');
    books.foreground++;
    books.changed();
  }
}

for (const kind of DATABASES) {
  if (kind.name === 'libsqlite3') continue;
  describe.skipIf(!kind.isThere())(`a server whose ${kind.name} dies`, () => {
    it(`refuses, goes on and loses nothing in ${OUTAGES} outages`, async () => {
      const database = await kind.start();
      try {
        const options = database.options('jobs_outage');
        const { server, port, log } = await yard().start(variant, options);
        const books = new Books();
        const peers = await Promise.all(
          Array.from({ length: SUBMITTERS + 3 }, (_, i) => yard().peer({ port }, `peer-${i}`)),
        );
        const [first, second, foreground, ...submitters] = peers as [
          WireConnection,
          WireConnection,
          WireConnection,
          ...WireConnection[],
        ];
        const workers = [work(first, books), work(second, books)];
        const load = submitters.map((client, i) => submit(client, books, `${i}-`));
        load.push(runForeground(foreground, books));
        for (let outage = 1; outage <= OUTAGES; outage++) {
          const acknowledged = books.acknowledged.size + 300;
          await books.until(() => books.acknowledged.size >= acknowledged);
          await database.server?.kill();
          const { refused, foreground } = books;
          await books.until(
            () => books.refused >= refused + 50 && books.foreground >= foreground + 20,
          );
          await database.server?.start();
          await log.until(/ works again after /, variant.threads * outage);
        }
        const acknowledged = books.acknowledged.size + 300;
        await books.until(() => books.acknowledged.size >= acknowledged);
        books.isOver = true;
        await Promise.all(load);
        // Who sleeps is woken by a last job for each.
        const last = yard().peer({ port }, 'last');
        for (let i = 0; i < 2; i++)
          await (await last).ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'f0', '', `last-${i}`);
        await Promise.all(workers);
        // A worker that did not sleep any more has left the last jobs.
        await work(await yard().peer({ port }, 'drain'), books);
        expect([...books.acknowledged].filter((name) => !books.ran.has(name))).toEqual([]);
        expect([...books.ran].filter(([name, times]) => name !== 'now' && times > 1)).toEqual([]);
        await expect.poll(async () => (await server.stats()).store?.uncommitted).toBe(0);
        expect(
          log.lines.filter((line) => / fails, background jobs are refused/.test(line)),
        ).toHaveLength(variant.threads * OUTAGES);
        await server.close();
        expect(await database.ask('SELECT * FROM jobs_outage')).toEqual([]);
        console.log(
          `${kind.name}: ${OUTAGES} outages, ${books.acknowledged.size} acknowledged, ${books.refused} refused, ${books.foreground} in the foreground`,
        );
      } finally {
        await database.close();
      }
    }, 600_000);
  });
}
