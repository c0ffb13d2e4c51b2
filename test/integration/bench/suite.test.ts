/**
 * The benchmark suite with hardly any jobs: every trial is played, complete and correct. How fast is never asked.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embeddingMissing } from '../../../bench/load/servers.mjs';
import { trials as allTrials } from '../../../bench/load/trials.mjs';
import { hasPeer, requirePeer } from '../../support/peers.ts';
import { DATABASES, type Database } from '../../support/store/databases.ts';
import { KeyValueServer, requireKeyValue } from '../../support/store/key-value-servers.ts';

const root = new URL('../../../', import.meta.url).pathname;
/** Two minutes on a quiet machine at most; a busy one may take its time. */
const SMOKE_MS = 600_000;
const whyNotEmbedded = await embeddingMissing();
if (whyNotEmbedded) console.warn(`skipped: trials in one process: ${whyNotEmbedded}`);
const trials = allTrials.filter(
  (trial) => !('isEmbedded' in trial && trial.isEmbedded && whyNotEmbedded),
);

interface Sample {
  trial: string;
  server: string;
  error?: string;
  asked: { jobs: number; scenario: string; keys?: number };
  result: {
    jobs: number;
    isCut: boolean;
    generators?: number;
    counts: { answered: number; executed: number; executedInAll: number };
    server: { cpuSeconds: number; rssPeakKiB: number };
    load: { cpuSeconds: number };
    scrapes?: { count: number };
  };
}

interface Run {
  code: number;
  output: string;
  html: string;
  json: {
    machine: Record<string, unknown>;
    samples: Sample[];
    rows: { trial: string; server: string; rounds: number }[];
    targets: unknown[];
  };
}

/** Plays the suite; its results lie in a folder of their own. */
async function bench(
  folder: string,
  name: string,
  words: string[],
  env: Record<string, string> = {},
): Promise<Run> {
  const path = join(folder, name);
  const argv = [join(root, 'bench/load/run.mjs'), ...words, '--smoke', '--out', path];
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(child, 'close')) as [number];
  const read = (suffix: string): string => readFileSync(`${path}.${suffix}`, 'utf8');
  return { code, output, html: read('html'), json: JSON.parse(read('json')) };
}

const POSTGRES = 'GEARTRAIN_BENCH_POSTGRES';
const MYSQL = 'GEARTRAIN_BENCH_MYSQL';
const REDIS = 'GEARTRAIN_BENCH_REDIS';

/** Variables that name database servers to the trials of stores. */
function variablesOf(databases: readonly Database[]): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const database of databases) {
    const settings = database.settings('unused');
    if (settings.type === 'postgres') variables[POSTGRES] = settings.conninfo ?? '';
    if (settings.type !== 'mysql') continue;
    const { host, port, user, database: name } = settings;
    variables[MYSQL] = [host, port, user, name].join(':');
  }
  return variables;
}

describe.skipIf(!requirePeer('compiler'))('the benchmark suite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe('with every trial', () => {
    let run: Run;
    const databases: Database[] = [];
    let variables: Record<string, string>;
    let redis: KeyValueServer | null = null;
    afterAll(() => Promise.all([redis?.remove(), ...databases.map((each) => each.close())]));
    beforeAll(async () => {
      for (const kind of DATABASES) if (kind.isThere()) databases.push(await kind.start());
      variables = variablesOf(databases);
      if (requireKeyValue('redis')) {
        redis = await KeyValueServer.start('redis');
        variables[REDIS] = `127.0.0.1:${redis.port}`;
      }
      run = await bench(folder, 'all', ['all'], variables);
    }, SMOKE_MS);

    const played = (name: string): Sample[] =>
      run.json.samples.filter((sample) => sample.trial === name);

    it('ends well', () => {
      expect(run.json.samples.filter((sample) => sample.error)).toEqual([]);
      expect(run.code, run.output).toBe(0);
    });

    it.each(trials.map((trial) => trial.name))('plays %s on every server it names', (name) => {
      const isHere = (server: string): boolean =>
        (!server.startsWith('c-') || hasPeer('gearmand')) &&
        (!server.endsWith('sqlite') || hasPeer('sqlite')) &&
        (!server.endsWith('postgres') || POSTGRES in variables) &&
        (!server.endsWith('mysql') || MYSQL in variables) &&
        (!server.endsWith('redis') || REDIS in variables);
      const { servers } = trials.find((trial) => trial.name === name) as (typeof trials)[number];
      const wanted = servers.filter((server) => server !== 'shards-n' && isHere(server)).sort();
      const names = played(name).map((sample) => sample.server);
      // On three cores and more a server with a shard for each is among them.
      const fixed = /^shards-[3-9]|^shards-\d\d/;
      expect(names.filter((server) => !fixed.test(server)).sort()).toEqual(wanted);
    });

    it.each(trials.map((trial) => trial.name))('counts every job of %s once', (name) => {
      for (const { asked, result } of played(name)) {
        const jobs = asked.jobs * (result.generators ?? 1);
        expect(result).toMatchObject({ isCut: false, jobs });
        const { answered, executed, executedInAll } = result.counts;
        const isSilent = ['connections', 'sleepers'].includes(asked.scenario);
        expect(answered).toBe(isSilent ? 0 : jobs);
        if (['rtt', 'idle', 'mixed', 'drain'].includes(asked.scenario)) {
          expect(executed).toBe(jobs);
          expect(executedInAll).toBeGreaterThan(jobs);
        }
        if (asked.keys) expect(executedInAll).toBeLessThan(jobs);
        expect(result.server.cpuSeconds).toBeGreaterThan(0);
        // Server and peers are one process in embedded trials: its CPU time is the server's.
        if (!name.startsWith('embedded')) expect(result.load.cpuSeconds).toBeGreaterThan(0);
        expect(result.server.rssPeakKiB).toBeGreaterThan(0);
      }
    });

    it('reads the metrics of a scraped server while it is loaded, and of no other', () => {
      const scraped = played('scrape').map(({ server, result }) => [server, result.scrapes?.count]);
      expect(new Map(scraped as [string, number][])).toEqual(
        new Map<string, unknown>([
          ['metrics', undefined],
          ['scraped', expect.any(Number)],
          ['scraped-20k', expect.any(Number)],
        ]),
      );
    });

    it('writes machine, versions and a row for every trial and server', () => {
      for (const key of ['cpu', 'cores', 'node', 'geartrain', 'gearmand', 'commit']) {
        expect(run.json.machine).toHaveProperty(key);
      }
      expect(run.json.rows).toHaveLength(run.json.samples.length);
      expect(run.json.rows.every((row) => row.rounds === 1)).toBe(true);
    });

    it('judges no target by so few jobs', () => {
      expect(run.json.targets).toEqual([]);
    });

    it('writes a report that needs nothing but itself', () => {
      const sections = [...run.html.matchAll(/ id="trial-([^"]+)"/g)].map(([, name]) => name);
      expect(sections).toEqual(trials.map(({ name }) => name));
      expect(run.html.includes('new uPlot(')).toBe(true);
      expect(run.html.match(/(?:src|href)="(?!#)[^"]*"/g)).toBeNull();
    });
  });

  it('finds a server out that answers wrongly', async () => {
    const server = join(root, 'test/support/forgetful-server.mjs');
    const words = ['submit', 'wrong', '--server', `wrong=${process.execPath} ${server} {port}`];
    const { code, json } = await bench(folder, 'wrong', words);
    expect(code).toBe(1);
    const [first] = json.samples.filter((sample) => sample.trial === 'submit');
    expect(first?.server).toBe('wrong');
    expect(first?.error).toMatch(/a handle was given twice/);
  });
});

it('a start that reads a journal back is measured, and has all of its jobs', async () => {
  const script = join(root, 'bench/store/replay.mjs');
  const child = spawn(process.execPath, [script, '--jobs', '2000', '--threads', '2']);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  await once(child, 'close');
  expect(output).toMatch(/^2000 jobs of 200 bytes, 2 threads\nstart \d/);
}, 60_000);
