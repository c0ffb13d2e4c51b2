/** `gearman` in surroundings that a comparison cannot show: terminals, pipes that break, signals, much input. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer } from '../../../dist/index.js';
import { freePort } from '../../support/free-port.mjs';
import { onlyWhere, requirePeer } from '../../support/peers.ts';
import { isAlive } from '../daemon/command.ts';
import {
  endPrograms,
  hasTerminals,
  launch,
  oddServer,
  onTerminal,
  type Program,
  runTool,
  shellWords,
  startTool,
} from './program.ts';
import { tlsFront, useCertificates } from './tls-front.ts';
import { World, type WorldKind } from './world.ts';

endPrograms();

let world: World;
let folder = '';
afterEach(async () => {
  await world?.end();
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
  folder = '';
});

async function makeWorld(kind: WorldKind = 'geartrain'): Promise<World> {
  world = await World.make(kind);
  return world;
}

/** A file in a folder that is gone after the test. */
function scratch(name: string): string {
  if (folder === '') folder = mkdtempSync(join(tmpdir(), 'geartrain-gearman-'));
  return join(folder, name);
}

const place = (): string[] => ['-h', '127.0.0.1', '-p', String(world.port)];
const client = (...words: readonly string[]): string[] => [...place(), ...words];
const worker = (...words: readonly string[]): string[] => [...place(), '-w', ...words];

/** Total, running and workers of a function. */
async function status(functionName: string): Promise<string | undefined> {
  const admin = await world.connect('admin');
  const rows = await admin.list('status');
  await admin.close();
  return rows.find((row) => row.startsWith(`${functionName}\t`));
}

/** Resolves when the server tells this row; asked again and again, because nothing tells a stranger. */
async function untilStatus(row: string): Promise<void> {
  const [functionName = ''] = row.split('\t');
  while ((await status(functionName)) !== row) await sleep(20);
}

const hasBash = requirePeer('bash');
const hasFull = onlyWhere(existsSync('/dev/full'), 'there is no /dev/full');

async function bash(line: string): Promise<{ code: number | null; program: Program }> {
  const program = launch('bash', ['-o', 'pipefail', '-c', line], { stdin: '' });
  return { code: (await program.ended).code, program };
}

const events = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('much input', () => {
  it('is submitted line by line while it still comes', async () => {
    await makeWorld();
    const program = startTool('gearman', client('-b', '-N', '-v', '-f', 'later'));
    program.type('one\ntwo\n');
    await program.until(/Task created.*\nTask created/);
    expect(await status('later')).toBe('later\t2\t0\t0');
    program.type('three');
    program.child.stdin?.end();
    expect((await program.ended).code).toBe(0);
    expect(await status('later')).toBe('later\t3\t0\t0');
  });

  it('of 50,000 lines is queued whole', async () => {
    await makeWorld();
    const lines = Array.from({ length: 50_000 }, (_, i) => `line ${i}`).join('\n');
    const { code, stderr } = await runTool('gearman', client('-b', '-N', '-f', 'later'), {
      stdin: lines,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await status('later')).toBe('later\t50000\t0\t0');
  });

  it('is read no faster than the server takes it, and all of it arrives', async () => {
    await makeWorld();
    // Stands before the server and stops reading after a while.
    let resume = (): void => {};
    const front = await oddServer((socket) => {
      const back = connect(world.port, '127.0.0.1');
      let bytes = 0;
      back.on('error', () => undefined).pipe(socket);
      socket.on('data', (chunk) => {
        back.write(chunk);
        bytes += chunk.length;
        if (bytes > 1_000_000) socket.pause();
      });
      resume = () => {
        bytes = Number.NEGATIVE_INFINITY;
        socket.resume();
      };
    });
    const lineCount = 120;
    const argv = ['-h', `127.0.0.1:${front.port}`, '-b', '-n', '-f', 'later'];
    const program = startTool('gearman', argv);
    const line = Buffer.alloc(1_000_000, 'x');
    line[line.length - 1] = 0x0a;
    const stdin = program.child.stdin as NonNullable<typeof program.child.stdin>;
    let taken = 0;
    let isStuck = false;
    for (let i = 0; i < lineCount; i++) {
      if (stdin.write(line)) continue;
      const drained = once(stdin, 'drain').then(() => true);
      // Only at the first stop: that the pipe stays full is no event.
      const hasRoom = isStuck || (await Promise.race([drained, sleep(1500, false)]));
      if (!hasRoom) {
        isStuck = true;
        taken = i;
        resume();
      }
      await drained;
    }
    stdin.end();
    expect((await program.ended).code).toBe(0);
    front.close();
    expect(isStuck).toBe(true);
    expect(taken).toBeLessThan(lineCount / 2);
    expect(await status('later')).toBe(`later\t${lineCount}\t0\t0`);
  });

  it.skipIf(!hasBash)('of 64 MiB goes there and back', async () => {
    await makeWorld();
    const echo = startTool('gearman', worker('-f', 'echo', '--', 'cat'), { stdin: '' });
    const bytes = Buffer.alloc(64 * 1024 * 1024);
    for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE((i * 2654435761) >>> 0, i);
    const file = scratch('in');
    writeFileSync(file, bytes);
    const words = shellWords('gearman', client('-f', 'echo'));
    const { code } = await bash(`${words} < ${file} > ${scratch('out')}`);
    expect(code).toBe(0);
    expect(readFileSync(scratch('out')).equals(bytes)).toBe(true);
    echo.child.kill('SIGTERM');
    await echo.ended;
  });
});

describe('pipes and signals', () => {
  it.skipIf(!hasBash)('end the client quietly when the reader goes away', async () => {
    await makeWorld();
    const big = startTool(
      'gearman',
      worker('-f', 'big', '--', 'head', '-c', '1000000', '/dev/zero'),
    );
    const words = shellWords('gearman', client('-f', 'big', 'x', 'y', 'z'));
    const { code, program } = await bash(`${words} | head -c 1 > /dev/null`);
    expect({ code, stderr: program.stderr() }).toEqual({ code: 141, stderr: '' });
    big.child.kill('SIGTERM');
  });

  it.skipIf(!hasBash || !hasFull)('tell the client that its output cannot be written', async () => {
    await makeWorld();
    await world.work({ upper: 'upper' });
    const words = shellWords('gearman', client('-f', 'upper', 'x'));
    const { code, program } = await bash(`${words} > /dev/full`);
    expect(code).toBe(1);
    expect(program.stderr()).toBe('gearman: write to standard output: ENOSPC\n');
  });

  it('end a waiting client at SIGINT, and take its pid file away', async () => {
    await makeWorld();
    const pid = scratch('pid');
    const program = startTool('gearman', client('-i', pid, '-v', '-f', 'nobody', 'x'));
    await program.until(/Task created/);
    expect(readFileSync(pid, 'utf8')).toBe(`${program.child.pid}\n`);
    program.child.kill('SIGINT');
    expect(await program.ended).toEqual({ code: null, signal: 'SIGINT' });
    expect(existsSync(pid)).toBe(false);
  });

  it('end a worker with its commands and what these have started; the job goes back', async () => {
    await makeWorld();
    const pids = scratch('pids');
    const script = `sleep 1000 & echo $$ $! > ${pids}.new; mv ${pids}.new ${pids}; wait`;
    const program = startTool('gearman', worker('-v', '-f', 'slow', '--', 'sh', '-c', script));
    await world.submit('slow', 'k', 'x');
    await untilStatus('slow\t1\t1\t1');
    while (!existsSync(pids)) await sleep(20);
    const children = readFileSync(pids, 'utf8').trim().split(' ').map(Number);
    expect(children.map(isAlive)).toEqual([true, true]);
    program.child.kill('SIGTERM');
    expect(await program.ended).toEqual({ code: null, signal: 'SIGTERM' });
    while (children.some(isAlive)) await sleep(20);
    await untilStatus('slow\t1\t0\t0');
  });
});

describe('several servers', () => {
  it('are used as long as one of them is there', async () => {
    await makeWorld();
    await world.work({ upper: 'upper' });
    const nobody = await freePort();
    const servers = `127.0.0.1:${nobody},127.0.0.1:${world.port}`;
    const argv = ['-h', servers, '-f', 'upper', 'a', 'b', 'c', 'd', 'e', 'f'];
    expect(await runTool('gearman', argv)).toMatchObject({ code: 0, stdout: 'ABCDEF', stderr: '' });
    const env = { GEARMAN_SERVERS: servers };
    const queued = await runTool('gearman', ['-p', '1', '-f', 'later', '-b', 'x', 'y'], { env });
    expect(queued).toMatchObject({ code: 0, stderr: '' });
    expect(await status('later')).toBe('later\t2\t0\t0');
  });
});

describe('a worker', () => {
  it('ends a command that does not want to end, and does not fail its job', async () => {
    await makeWorld();
    const started = scratch('started');
    const script = `trap '' TERM; echo $$ > ${started}.new; mv ${started}.new ${started}; while :; do sleep 1; done`;
    const program = startTool('gearman', worker('-f', 'deaf', '--', 'sh', '-c', script));
    await world.submit('deaf', 'k', 'x');
    while (!existsSync(started)) await sleep(20);
    program.child.kill('SIGTERM');
    expect(await program.ended).toEqual({ code: null, signal: 'SIGTERM' });
    expect(isAlive(Number(readFileSync(started, 'utf8')))).toBe(false);
    await untilStatus('deaf\t1\t0\t0');
  });

  it('keeps its connection while a command is busy, and runs several with --parallel', async () => {
    await makeWorld();
    const gate = scratch('gate');
    const script = `while [ ! -e ${gate} ]; do sleep 0.05; done; cat`;
    startTool('gearman', worker('--parallel', '3', '-f', 'job', '--', 'sh', '-c', script));
    const asked = startTool(
      'gearman',
      client('--parallel', '3', '-P', '-f', 'job', 'a', 'b', 'c'),
      {
        stdin: '',
      },
    );
    await untilStatus('job\t3\t3\t1');
    writeFileSync(gate, '');
    expect((await asked.ended).code).toBe(0);
    const pieces = asked.stdout().split('job: ').sort();
    expect(pieces).toEqual(['', 'a', 'b', 'c']);
  });

  it('sends output as it comes with --stream and by lines with -n', async () => {
    await makeWorld();
    const gate = scratch('gate');
    const script = `echo early; while [ ! -e ${gate} ]; do sleep 0.05; done; echo late`;
    startTool('gearman', worker('--stream', '-f', 'stream', '--', 'sh', '-c', script));
    startTool('gearman', worker('-n', '-f', 'lines', '--', 'sh', '-c', script));
    const asked = ['stream', 'lines'].map((name) =>
      startTool('gearman', client('-f', name, 'x'), { stdin: '' }),
    );
    await Promise.all(asked.map((program) => program.until(/early\n/)));
    writeFileSync(gate, '');
    for (const program of asked) {
      expect((await program.ended).code).toBe(0);
      expect(program.stdout()).toBe('early\nlate\n');
    }
  });

  it('goes to the background with -d, with a pid file, and answers', async () => {
    await makeWorld();
    const pid = scratch('pid');
    const argv = worker('-d', '-c', '1', '-i', pid, '-f', 'job', '--', 'cat');
    expect(await runTool('gearman', argv)).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const number = Number(readFileSync(pid, 'utf8'));
    expect(isAlive(number)).toBe(true);
    const { code, stdout } = await runTool('gearman', client('-f', 'job', 'hello'));
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'hello' });
    while (isAlive(number)) await sleep(20);
    expect(existsSync(pid)).toBe(false);
  });

  it('waits for a server that comes later', async () => {
    await makeWorld();
    const { port } = world;
    await world.end();
    const argv = ['-h', `127.0.0.1:${port}`, '-w', '-c', '1', '-f', 'job', '--', 'cat'];
    const program = startTool(
      'gearman',
      argv.filter((word) => word !== '-c' && word !== '1'),
    );
    await program.until(/no job server listens there \(ECONNREFUSED\), trying again/);
    const again = createServer({ host: '127.0.0.1', port });
    await again.listen();
    const asked = await runTool('gearman', ['-h', `127.0.0.1:${port}`, '-f', 'job', 'hello']);
    expect(asked).toMatchObject({ code: 0, stdout: 'hello' });
    await again.close();
  });
});

describe('--json', () => {
  it('tells everything of foreground jobs', async () => {
    await makeWorld();
    await world.work({ pieces: 'pieces', progress: 'progress', warn: 'warn', fail: 'fail' });
    const names = ['pieces', 'progress', 'warn', 'fail'];
    const argv = client('--json', ...names.flatMap((name) => ['-f', name]), 'x');
    const { code, stdout, stderr } = await runTool('gearman', argv);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const told = events(stdout).map(({ handle, ...event }) => {
      expect(handle).toMatch(/^H:/);
      return event;
    });
    const of = (name: string) => told.filter((event) => event.function === name);
    const about = (name: string) => ({ function: name, index: 0 });
    expect(of('pieces')).toEqual([
      { event: 'created', ...about('pieces') },
      { event: 'data', ...about('pieces'), data: 'one ' },
      { event: 'data', ...about('pieces'), data: 'x' },
      {
        event: 'data',
        ...about('pieces'),
        base64: Buffer.from('\0\xff\n', 'latin1').toString('base64'),
      },
      { event: 'complete', ...about('pieces'), data: 'end' },
    ]);
    expect(of('progress').slice(1)).toEqual([
      { event: 'status', ...about('progress'), numerator: 1, denominator: 4 },
      { event: 'status', ...about('progress'), numerator: 2, denominator: 4 },
      { event: 'complete', ...about('progress'), data: 'done' },
    ]);
    expect(of('warn')[1]).toEqual({ event: 'warning', ...about('warn'), data: 'careful\n' });
    expect(of('fail').at(-1)).toEqual({ event: 'fail', ...about('fail') });
  });

  it('tells of background jobs and of errors', async () => {
    await makeWorld();
    const queued = await runTool('gearman', client('--json', '-b', '-f', 'later', 'a', 'b'));
    expect(events(queued.stdout)).toEqual([
      { event: 'queued', function: 'later', handle: expect.stringMatching(/^H:/), index: 0 },
      { event: 'queued', function: 'later', handle: expect.stringMatching(/^H:/), index: 1 },
    ]);
    const late = await runTool('gearman', client('--json', '-t', '1000', '-f', 'later', 'c'));
    expect(late.code).toBe(1);
    expect(events(late.stdout).at(-1)).toMatchObject({
      event: 'error',
      message: expect.stringMatching(/no answer within 1000 ms, no worker offers "later"/),
    });
  });

  it('tells of the jobs of a worker', async () => {
    await makeWorld();
    await world.submit('job', 'key', 'hello');
    await world.submit('job', 'key2', 'world');
    const script = 'read -r word; [ "$word" = hello ]';
    const argv = worker('--json', '-c', '2', '-f', 'job', '--', 'sh', '-c', script);
    const { code, stdout } = await runTool('gearman', argv);
    expect(code).toBe(0);
    expect(events(stdout)).toMatchObject([
      { event: 'job', function: 'job', unique: 'key', data: 'hello', index: 0 },
      { event: 'complete', index: 0 },
      { event: 'job', unique: 'key2', data: 'world', index: 1 },
      { event: 'fail', message: 'the command ended with exit status 1' },
    ]);
  });
});

describe('words for why nothing happens', () => {
  it('are said when nobody offers the function, and the job still runs when somebody does', async () => {
    await makeWorld();
    const program = startTool('gearman', client('-f', 'later', 'hello'), { stdin: '' });
    await program.until(/no worker offers "later" at 127\.0\.0\.1:\d+, still waiting/);
    await world.work({ later: 'upper' });
    expect((await program.ended).code).toBe(0);
    expect(program.stdout()).toBe('HELLO');
  });

  it('are said when the server goes away in the middle of a job', async () => {
    await makeWorld();
    const program = startTool('gearman', client('-v', '-f', 'later', 'x', 'y'), { stdin: '' });
    await program.until(/Task created/);
    await world.end();
    expect((await program.ended).code).toBe(1);
    expect(program.stderr()).toMatch(/gearman: .*(lost|closed|ended|before its result)/);
  });
});

describe.skipIf(!hasTerminals)('on a terminal', () => {
  it('a bar shows how far a job is, and nothing of it stays', async () => {
    await makeWorld();
    await world.work({ progress: 'progress' });
    const program = onTerminal(shellWords('gearman', client('-f', 'progress', 'x')));
    expect((await program.ended).code).toBe(0);
    const said = program.stdout();
    expect(said).toContain('progress [===============               ] 50%');
    expect(said).not.toContain('% Complete');
    expect(said.endsWith('\r\u001b[Kdone')).toBe(true);
  });

  it('a line shows how far many submits are', async () => {
    await makeWorld();
    const file = scratch('lines');
    writeFileSync(file, 'x\n'.repeat(5000));
    const words = shellWords('gearman', client('-b', '-n', '-f', 'later'));
    const program = onTerminal(`${words} < ${file}`);
    expect((await program.ended).code).toBe(0);
    expect(program.stdout()).toMatch(/[\d,]+ submitted, [\d,]+ done/);
    expect(program.stdout().endsWith('\r\u001b[K')).toBe(true);
    expect(await status('later')).toBe('later\t5000\t0\t0');
  });

  it('--quiet shows neither', async () => {
    await makeWorld();
    await world.work({ progress: 'progress' });
    const program = onTerminal(shellWords('gearman', client('-q', '-f', 'progress', 'x')));
    await program.ended;
    expect(program.stdout()).toBe('25% Complete\r\n50% Complete\r\ndone');
  });
});

describe.skipIf(!requirePeer('openssl'))('TLS', () => {
  const certificates = useCertificates();

  it('carries jobs of a client and a worker to a trusted server', async () => {
    await makeWorld();
    const front = await tlsFront(certificates, world.port);
    const trusted = ['-h', `localhost:${front.port}`, '--tls-ca', certificates.file('cert.pem')];
    startTool('gearman', [...trusted, '-w', '-f', 'upper', '--', 'tr', 'a-z', 'A-Z']);
    const asked = await runTool('gearman', [...trusted, '-f', 'upper', 'hello']);
    expect(asked).toMatchObject({ code: 0, stdout: 'HELLO', stderr: '' });
    front.close();
  });

  it('refuses a server that it cannot verify, unless told otherwise', async () => {
    await makeWorld();
    const front = await tlsFront(certificates, world.port);
    const argv = ['-h', `localhost:${front.port}`, '-b', '-f', 'later', 'x'];
    const refused = await runTool('gearman', ['-S', ...argv]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /^gearman: connect to localhost:\d+: its certificate is not signed by .* name that with --tls-ca/,
    );
    expect((await runTool('gearman', ['--tls-insecure', ...argv])).code).toBe(0);
    expect(await status('later')).toBe('later\t1\t0\t0');
    front.close();
  });
});
