/**
 * State directories with and without runs of jobs: which format they have, and that runs go where their jobs go: to
 * other numbers of threads, into lines and out of them.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JournalState } from '../../../src/server/journal-state.ts';
import { type ResolvedOptions, resolveOptions } from '../../../src/server/options.ts';
import { exportJobs } from '../../../src/server/transfer/export-jobs.ts';
import { importJobs } from '../../../src/server/transfer/import-jobs.ts';
import { openStore } from '../../../src/shard/assemble.ts';
import type { Store } from '../../../src/store/store.ts';
import { StoredJob, type StoredRuns } from '../../../src/store/stored-job.ts';
import { copyOf } from '../../support/hand-store.ts';

const log = { level: 0, log: () => {} };

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'geartrain-state-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const optionsFor = (name: string, threads: number): ResolvedOptions =>
  resolveOptions({ queueType: 'journal', stateDir: join(root, name), threads });

const formatOf = (name: string): unknown =>
  JSON.parse(readFileSync(join(root, name, 'manifest.json'), 'utf8')).format;

/** Version in the head of each segment of the directory: entry.ts says it is at offset 8. */
function heads(name: string): number[] {
  const folder = join(root, name);
  const paths = readdirSync(folder, { recursive: true }).map(String);
  const logs = paths.filter((path) => path.endsWith('.log')).sort();
  return logs.map((path) => readFileSync(join(folder, path)).readUInt32LE(8));
}

/** The directory of an earlier version with two threads, as test/fixtures/stores has it. */
function placeFixture(name: string): void {
  const url = new URL('../../fixtures/stores/journal.json', import.meta.url);
  const files = JSON.parse(readFileSync(url, 'utf8')) as Record<string, string>;
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name, path)), { recursive: true });
    writeFileSync(join(root, name, path), Buffer.from(bytes, 'base64'));
  }
}

interface Kept {
  readonly store: Store;
  readonly job: StoredJob;
  readonly reference: number;
}

/** A running server's state and stores. */
class Life {
  readonly state: JournalState;
  readonly kept: Kept[] = [];
  readonly #stores: Store[] = [];

  private constructor(options: ResolvedOptions) {
    this.state = new JournalState(options, log);
  }

  static async begin(options: ResolvedOptions, before = (_: JournalState) => {}): Promise<Life> {
    const life = new Life(options);
    before(life.state);
    await life.state.open();
    for (let thread = 0; thread <= options.threads; thread++) {
      const config = life.state.storeOf(thread);
      if (config === null) continue;
      const store = openStore(config, { wake: () => {}, log: () => {}, nowMs: () => 0 });
      life.#stores.push(store);
      await new Promise<void>((resolve, reject) =>
        store.replay(
          (job, reference) => life.kept.push({ store, job: copyOf(job), reference }),
          (error) => (error === null ? resolve() : reject(error)),
        ),
      );
    }
    return life;
  }

  /** Closes everything; what waits is committed. */
  async end(): Promise<void> {
    for (const store of this.#stores) await new Promise<void>((done) => store.close(done));
    await this.state.close();
  }
}

const runs: StoredRuns = {
  ...{ attempts: 3, losses: 65_535, dueMs: 1_900_000_000_000.25, delayMs: 1500.5, isDead: true },
  details: Buffer.from([0, 255, 1, 2]),
};

const nameOf = ({ job }: Kept) => `${Buffer.from(job.functionName)} ${Buffer.from(job.unique)}`;

/** Jobs in any order, each with its runs. */
const facts = (kept: readonly Kept[]) =>
  kept
    .map((one) => [nameOf(one), one.job.runs])
    .sort((a, b) => String(a[0]).localeCompare(String(b[0])));

const withRuns = ({ job }: Kept): StoredJob => {
  const { functionName, unique, reducer, priority, startMs, workload } = job;
  return StoredJob.of({ functionName, unique, reducer, priority, startMs, workload, runs });
};

/** Gives every second job these runs. */
async function updateSome(name: string, threads: number): Promise<ReturnType<typeof facts>> {
  const life = await Life.begin(optionsFor(name, threads), (state) => state.upgrade());
  const updated = life.kept.map((kept, i) => {
    if (i % 2 === 0) return kept;
    const job = withRuns(kept);
    expect(kept.store.update(job, kept.reference, i, true)).toBe(true);
    return { ...kept, job: copyOf(job) };
  });
  await life.end();
  return facts(updated);
}

async function linesOf(name: string): Promise<string[]> {
  const lines: string[] = [];
  await exportJobs({ options: optionsFor(name, 0), log, take: (line) => lines.push(line) });
  return lines;
}

const importInto = (name: string, threads: number, lines: readonly string[]) =>
  importJobs({
    options: optionsFor(name, threads),
    log,
    lines: () => lines.map((text, i) => ({ number: i + 1, text })),
  });

describe('a state directory that an earlier version wrote', () => {
  it('is read and keeps format 1, with segments of version 1, while no job has runs', async () => {
    placeFixture('a');
    const first = await Life.begin(optionsFor('a', 2));
    expect(first.kept.length).toBeGreaterThan(0);
    const job = first.kept[0] as Kept;
    job.store.append(job.job, 1, true);
    await first.end();
    const second = await Life.begin(optionsFor('a', 2));
    expect(second.kept).toHaveLength(first.kept.length + 1);
    await second.end();
    expect(formatOf('a')).toBe(1);
    expect(new Set(heads('a'))).toEqual(new Set([1]));
  });

  it('has format 2 from an upgrade on, at the start or later, and after restarts', async () => {
    placeFixture('a');
    const first = await Life.begin(optionsFor('a', 2));
    expect(formatOf('a')).toBe(1);
    first.state.upgrade();
    expect(formatOf('a')).toBe(2);
    expect(first.state.storeOf(1)).toMatchObject({ isVersion2: true });
    await first.end();
    await (await Life.begin(optionsFor('a', 2))).end();
    expect(formatOf('a')).toBe(2);

    placeFixture('b');
    const state = new JournalState(optionsFor('b', 2), log);
    state.upgrade();
    expect(formatOf('b')).toBe(1);
    await state.open();
    expect(formatOf('b')).toBe(2);
    await state.close();
  });

  it('has format 2 before a segment of version 2 exists', async () => {
    placeFixture('a');
    const life = await Life.begin(optionsFor('a', 2));
    life.state.upgrade();
    expect(new Set(heads('a'))).toEqual(new Set([1]));
    const kept = life.kept[0] as Kept;
    kept.store.update(withRuns(kept), kept.reference, 1, true);
    await life.end();
    expect(new Set(heads('a'))).toEqual(new Set([1, 2]));
    const next = await Life.begin(optionsFor('a', 2));
    const found = next.kept.find((one) => nameOf(one) === nameOf(kept)) as Kept;
    expect(found.job).toEqual(copyOf(withRuns(kept)));
    await next.end();
  });

  it('is unchanged when the upgrade cannot be written, which may be tried again', async () => {
    placeFixture('a');
    const life = await Life.begin(optionsFor('a', 2));
    mkdirSync(join(root, 'a', 'manifest.json.new'));
    expect(() => life.state.upgrade()).toThrow(/option --state-dir: write .*manifest\.json/);
    expect(formatOf('a')).toBe(1);
    expect(life.state.storeOf(1)).toMatchObject({ isVersion2: false });
    rmSync(join(root, 'a', 'manifest.json.new'), { recursive: true });
    life.state.upgrade();
    expect(formatOf('a')).toBe(2);
    await life.end();
  });
});

describe('jobs with runs', () => {
  it.each([0, 1, 3])('keep them when there are %i threads instead of 2', async (threads) => {
    placeFixture('a');
    const before = await updateSome('a', 2);
    const life = await Life.begin(optionsFor('a', threads));
    expect(facts(life.kept)).toEqual(before);
    await life.end();
    expect(formatOf('a')).toBe(2);
    expect(new Set(heads('a'))).toEqual(new Set([2]));
  });

  it('are exported and imported with them, into a directory of format 2', async () => {
    placeFixture('a');
    const before = await updateSome('a', 2);
    const lines = await linesOf('a');
    expect(lines).toHaveLength(before.length);
    await importInto('b', 1, lines);
    expect(formatOf('b')).toBe(2);
    expect((await linesOf('b')).sort()).toEqual([...lines].sort());
    const life = await Life.begin(optionsFor('b', 1));
    expect(facts(life.kept)).toEqual(before);
    await life.end();
  });

  it('make the format 2 when they are imported into a directory of format 1, others do not', async () => {
    placeFixture('a');
    const plain = await linesOf('a');
    await importInto('b', 1, plain);
    expect(formatOf('b')).toBe(1);
    await importInto('b', 1, plain);
    expect(formatOf('b')).toBe(1);
    await updateSome('a', 2);
    await importInto('b', 1, await linesOf('a'));
    expect(formatOf('b')).toBe(2);
    await importInto('b', 1, plain);
    expect(formatOf('b')).toBe(2);
    expect(await linesOf('b')).toHaveLength(4 * plain.length);
  });
});
