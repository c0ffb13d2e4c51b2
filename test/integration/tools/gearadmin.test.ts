/** `gearadmin` in surroundings that a comparison cannot show: terminals, pipes that break, servers that are none. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer } from '../../../dist/index.js';
import { onlyWhere, requirePeer } from '../../support/peers.ts';
import { WireConnection } from '../../support/wire.ts';
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

const ENTER = '\u001b[?1049h';
const LEAVE = '\u001b[?1049l';
const RED = '\u001b[31m';

endPrograms();

let world: World;
afterEach(async () => {
  await world?.end();
});

async function makeWorld(kind: WorldKind = 'geartrain'): Promise<World> {
  world = await World.make(kind);
  return world;
}

const place = (): string[] => ['-h', '127.0.0.1', '-p', String(world.port)];

const hasBash = requirePeer('bash');
const hasFull = onlyWhere(existsSync('/dev/full'), 'there is no /dev/full');

/** Runs a bash line, whose exit status is that of the first program in a pipe that failed. */
async function bash(line: string): Promise<{ code: number | null; program: Program }> {
  const program = launch('bash', ['-o', 'pipefail', '-c', line], { stdin: '' });
  return { code: (await program.ended).code, program };
}

describe('stores', () => {
  it('are told with what they keep and how they commit', async () => {
    await makeWorld();
    expect((await runTool('gearadmin', [...place(), '--store'])).stdout).toBe('.\n');
    const stateDir = mkdtempSync(join(tmpdir(), 'geartrain-gearadmin-'));
    const server = createServer({ queueType: 'journal', stateDir, host: '127.0.0.1', port: 0 });
    try {
      await server.listen();
      const { address } = server;
      const port = address !== null && 'port' in address ? address.port : 0;
      const client = await WireConnection.connect({ port });
      for (let i = 0; i < 3; i++) {
        client.send('SUBMIT_JOB_BG', 'f', '', 'x');
        await client.expect('JOB_CREATED');
      }
      await client.close();
      const { code, stdout } = await runTool('gearadmin', ['-h', `127.0.0.1:${port}`, '--store']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^0\taccepting\t3\t0\t3\t1\.0\t\d+\.\d\d\t\d+\.\d\d\t\d{8,}\n\.\n$/);
    } finally {
      await server.close();
      rmSync(stateDir, { recursive: true, force: true });
    }
  });

  it.skipIf(!requirePeer('gearmand'))('are nothing that gearmand knows', async () => {
    await makeWorld('gearmand');
    const { code, stdout, stderr } = await runTool('gearadmin', [...place(), '--store']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      'Error: this server has no listing of stores; it is not geartrain, or an earlier version of it\n',
    );
  });
});

describe('policies and pauses', () => {
  const admin = (...argv: string[]) => runTool('gearadmin', [...place(), ...argv]);

  it('are changed, then listed, in one call', async () => {
    await makeWorld();
    const changed = await admin(
      '--policies',
      '--policy',
      'größe=concurrency:5,rate:100/s',
      '--pause',
      'mail=600',
      '--drain',
      'resize',
    );
    expect(changed).toMatchObject({ code: 0, stderr: '' });
    expect(changed.stdout).toMatch(
      /^(OK until the server ends\n){3}gr%C3%B6%C3%9Fe\tconcurrency:5,rate:100\/s\topen\nmail\t-\tpaused:\d+\nresize\t-\tdraining\n\.\n$/,
    );
    expect(await admin('--policy', 'größe')).toMatchObject({
      code: 0,
      stdout: 'concurrency\t5\tcommand\nrate\t100/s\tcommand\nstate\topen\t-\n.\n',
    });
    expect((await admin('--policy', 'größe=reset', '--resume', 'mail')).code).toBe(0);
    expect((await admin('--policies')).stdout).toBe('resize\t-\tdraining\n.\n');
  });

  it('last where the server has a state directory', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'geartrain-gearadmin-'));
    const server = createServer({ stateDir, host: '127.0.0.1', port: 0 });
    try {
      await server.listen();
      const { port } = server.address as { port: number };
      const argv = ['-h', `127.0.0.1:${port}`, '--pause', 'mail'];
      expect(await runTool('gearadmin', argv)).toMatchObject({ code: 0, stdout: 'OK\n' });
    } finally {
      await server.close();
      rmSync(stateDir, { recursive: true, force: true });
    }
  });

  it('that are refused end with status 1 and a sentence', async () => {
    await makeWorld();
    const { code, stdout, stderr } = await admin('--policy', 'mail=concurency:5');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^Error: there is no key "concurency", did you mean concurrency\? .*\n$/,
    );
  });

  it.skipIf(!requirePeer('gearmand')).each([
    [['--pause', 'f'], 'pauses'],
    [['--resume', 'f'], 'pauses'],
    [['--drain', 'f'], 'draining of functions'],
    [['--policy', 'f'], 'policies'],
    [['--policy', 'f=rate:0'], 'policies'],
    [['--policies'], 'policies'],
  ])('are nothing that gearmand knows: %j', async (argv, what) => {
    await makeWorld('gearmand');
    expect(await admin(...argv)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `Error: this server has no ${what}; it is not geartrain, or an earlier version of it\n`,
    });
    expect((await admin(...argv, '--exit-status', 'c')).code).toBe(0);
  });
});

describe('dead jobs', () => {
  const admin = (...argv: string[]) => runTool('gearadmin', [...place(), ...argv]);

  it('are shown and kicked', async () => {
    await makeWorld();
    await admin('--policy', 'mail=attempts:1');
    const client = await world.connect('client');
    const handles: string[] = [];
    for (const unique of ['a b', 'two']) {
      client.send('SUBMIT_JOB_BG', 'mail', unique, 'data');
      handles.push(String((await client.expect('JOB_CREATED')).args[0]));
    }
    const worker = await world.connect('worker');
    worker.send('CAN_DO', 'mail');
    for (const handle of handles) {
      worker.send('GRAB_JOB');
      await worker.expect('JOB_ASSIGN');
      worker.send('WORK_EXCEPTION', handle, 'no | route');
    }
    await worker.barrier();
    const [first, second] = handles as [string, string];
    const row = (handle: string, unique: string) =>
      `${handle}\\t${unique}\\texception\\t1\\t0\\t\\d+\\t4\\t127\\.0\\.0\\.1:\\d+\\texception: no \\\\x7c route\\n`;
    const listed = await admin('--dead', 'mail');
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toMatch(
      new RegExp(`^${row(second, 'two')}${row(first, 'a%20b')}\\.\\n$`),
    );
    expect((await admin('--dead', 'mail=1')).stdout).toMatch(
      new RegExp(`^${row(second, 'two')}\\.\\n$`),
    );
    expect((await admin('--show-job', first)).stdout).toMatch(
      new RegExp(
        `^handle\\t${first}\\nfunction\\tmail\\n[^]*\\nerror\\t\\d+\\texception\\t\\d+\\t127\\.0\\.0\\.1:\\d+\\tno \\\\x7c route\\n\\.\\n$`,
      ),
    );
    expect(await admin('--kick-job', first)).toMatchObject({ code: 0, stdout: 'OK\n' });
    expect(await admin('--kick', 'mail', '--dead', 'mail')).toMatchObject({
      code: 0,
      stdout: 'OK 1 kicked, 0 left because their unique is in use\n.\n',
    });
    expect(await admin('--bury', first)).toMatchObject({ code: 0, stdout: 'OK\n' });
    expect(await admin('--bury', first)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'Error: UNKNOWN_JOB\n',
    });
  });

  it('are left alone by a word that stands apart', async () => {
    await makeWorld();
    expect(await admin('--kick', 'mail', '1')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(
        'the word "1" stands alone, and nothing was done: --kick takes one word, such as mail=1',
      ),
    });
  });

  it.skipIf(!requirePeer('gearmand')).each([
    [['--dead', 'f'], 'dead jobs'],
    [['--kick', 'f'], 'dead jobs'],
    [['--kick-job', 'H:a:1'], 'dead jobs'],
    [['--bury', 'H:a:1'], 'dead jobs'],
    [['--show-job', 'H:a:1'], 'report about one job'],
  ])('are nothing that gearmand knows: %j', async (argv, what) => {
    await makeWorld('gearmand');
    expect(await admin(...argv)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `Error: this server has no ${what}; it is not geartrain, or an earlier version of it\n`,
    });
  });
});

describe('long listings', () => {
  it('are complete', async () => {
    await makeWorld();
    const worker = await world.connect('worker');
    const names = Array.from({ length: 20_000 }, (_, i) => `function-with-a-long-name-${i}`);
    for (const name of names) worker.send('CAN_DO', name);
    await worker.barrier();
    const { code, stdout } = await runTool('gearadmin', [...place(), '--status']);
    expect(code).toBe(0);
    const rows = stdout.split('\n');
    expect(rows.length).toBe(names.length + 2);
    expect(rows.slice(-2)).toEqual(['.', '']);
  });

  it.skipIf(!hasBash)('end quietly when their reader goes away', async () => {
    await makeWorld();
    const worker = await world.connect('worker');
    for (let i = 0; i < 20_000; i++) worker.send('CAN_DO', `function-with-a-long-name-${i}`);
    await worker.barrier();
    const words = shellWords('gearadmin', [...place(), '--status']);
    const { code, program } = await bash(`${words} | head -n 1`);
    expect(code).toBe(141);
    expect(program.stdout()).toMatch(/^function-with-a-long-name-\d+\t0\t0\t1\n$/);
    expect(program.stderr()).toBe('');
  });
});

it.skipIf(!hasBash || !hasFull)('says when its output cannot be written', async () => {
  await makeWorld();
  const { code, program } = await bash(
    `${shellWords('gearadmin', [...place(), '--getpid'])} > /dev/full`,
  );
  expect(code).toBe(1);
  expect(program.stderr()).toBe('gearadmin: write to standard output: ENOSPC\n');
});

describe('servers that are none', () => {
  it('are given up when they stay silent', async () => {
    const silent = await oddServer(() => undefined);
    const argv = ['-h', `127.0.0.1:${silent.port}`, '-t', '500', '--status'];
    const { code, stderr } = await runTool('gearadmin', argv);
    silent.close();
    expect(code).toBe(1);
    expect(stderr).toBe('gearadmin: no answer within 500 ms\n');
  });

  it('are told apart by what they answer', async () => {
    const odd = await oddServer((socket) =>
      socket.once('data', () => socket.end('\0\0\0hello, world')),
    );
    const { code, stderr } = await runTool('gearadmin', [
      '-h',
      `127.0.0.1:${odd.port}`,
      '--status',
    ]);
    odd.close();
    expect(code).toBe(1);
    expect(stderr).toBe('gearadmin: the other side is not a Gearman job server\n');
  });

  it('are lost when they close before the answer is whole', async () => {
    const odd = await oddServer((socket) => socket.once('data', () => socket.end('f\t1\t0\t0\ng')));
    const { code, stdout, stderr } = await runTool('gearadmin', [
      '-h',
      `127.0.0.1:${odd.port}`,
      '--status',
    ]);
    odd.close();
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'f\t1\t0\t0\ng' });
    expect(stderr).toBe('gearadmin: the server closed the connection before it answered\n');
  });

  it('are left at once at SIGINT', async () => {
    let isAsked = (): void => {};
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    const silent = await oddServer((socket) => socket.once('data', () => isAsked()));
    const program = startTool('gearadmin', ['-h', `127.0.0.1:${silent.port}`, '--status']);
    await asked;
    program.child.kill('SIGINT');
    expect(await program.ended).toEqual({ code: null, signal: 'SIGINT' });
    silent.close();
  });
});

it('asks over a Unix socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-tools-'));
  const server = createServer({ listen: [`unix:${folder}/socket`] });
  await server.listen();
  const { code, stdout } = await runTool('gearadmin', ['-h', `unix:${folder}/socket`, '--status']);
  await server.close();
  rmSync(folder, { recursive: true });
  expect({ code, stdout }).toEqual({ code: 0, stdout: '.\n' });
});

describe('top in a pipe', () => {
  it('writes a line for each function and look, with rates and the age of the oldest job', async () => {
    await makeWorld();
    await world.submit('resize', '', 'a');
    const top = startTool('gearadmin', [...place(), 'top', '--count', '2', '--interval', '1']);
    await top.until(/\tresize\t/);
    await world.submit('resize', '', 'b');
    await world.submit('resize', '', 'c');
    expect((await top.ended).code).toBe(0);
    const [head, first, second, ...rest] = top.stdout().split('\n');
    expect(head).toBe(
      'TIME\tFUNCTION\tQUEUED\tRUNNING\tWORKERS\tIN/S\tOUT/S\tCHANGE/S\tOLDEST\tRETRY\tDEAD\tGATE',
    );
    expect(first).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z\tresize\t1\t0\t0\t-\t-\t-\t(\d+\.\ds|-)\t0\t0\t-$/,
    );
    expect(second).toMatch(/\tresize\t3\t0\t0\t\d\.\d\t0\.0\t\+\d\.\d\t\d+(\.\d)?s\t0\t0\t-$/);
    expect(rest).toEqual(['']);
    expect(top.stderr()).toBe('');
  });

  it('ends with a message when the server goes away', async () => {
    await makeWorld();
    await world.tell('create function f');
    const top = startTool('gearadmin', [...place(), 'top', '--interval', '0.1']);
    await top.until(/\tf\t/);
    await world.end();
    expect((await top.ended).code).toBe(1);
    expect(top.stderr()).toMatch(/^gearadmin: .*(closed the connection|no job server listens)/);
  });

  it('refuses operations beside it, and says when there is no server', async () => {
    await makeWorld('nobody');
    const both = await runTool('gearadmin', [...place(), 'top', '--status']);
    expect(both.code).toBe(1);
    expect(both.stderr).toContain('top stands alone');
    const { code, stdout, stderr } = await runTool('gearadmin', [...place(), 'top']);
    expect(code).toBe(1);
    expect(stdout).toContain('TIME');
    expect(stderr).toContain('no job server listens there (ECONNREFUSED)');
  });
});

describe.skipIf(!requirePeer('gearmand'))('top at a C gearmand', () => {
  it('shows the change, and a dash for what that does not tell', async () => {
    await makeWorld('gearmand');
    await world.submit('resize', '', 'a');
    const top = startTool('gearadmin', [...place(), 'top', '--count', '2', '--interval', '1']);
    await top.until(/\tresize\t/);
    await world.submit('resize', '', 'b');
    expect((await top.ended).code).toBe(0);
    expect(top.stdout().split('\n')[2]).toMatch(/\tresize\t2\t0\t0\t-\t-\t\+\d\.\d\t-\t-\t-\t-$/);
  });
});

describe.skipIf(!hasTerminals)('top on a terminal', () => {
  const inShell = (argv: readonly string[]): string => {
    const words = shellWords('gearadmin', [...place(), 'top', ...argv]);
    return `stty -a > /dev/stderr; echo before; ${words}; code=$?; echo "code $code"; stty -a; exit $code`;
  };
  /** What `stty -a` says, the first and the last time. */
  const settings = (program: Program): string[] =>
    [...program.stdout().matchAll(/speed[\s\S]*?-extproc/g)].map(([text]) => text);

  it.each([
    ['q', 'q'],
    ['Ctrl-C', '\u0003'],
  ])('fills the screen, ends with %s and gives the terminal back', async (_, key) => {
    await makeWorld();
    await world.submit('resize', '', 'a');
    const top = onTerminal(inShell(['--interval', '0.1']));
    await top.until(/resize/);
    top.type(key);
    expect((await top.ended).code).toBe(0);
    const said = top.stdout();
    expect(said.indexOf(ENTER)).toBeGreaterThan(said.indexOf('before'));
    expect(said.lastIndexOf(LEAVE)).toBeGreaterThan(said.indexOf(ENTER));
    expect(said).toContain('code 0');
    // The last look stays on the terminal's own screen.
    expect(said.slice(said.lastIndexOf(LEAVE))).toContain('resize');
    const [before, after] = settings(top);
    expect(before).toContain('icanon');
    expect(after).toBe(before);
  });

  it('gives the terminal back when a signal ends it', async () => {
    await makeWorld();
    await world.submit('resize', '', 'a');
    const top = onTerminal(`echo "pid $$"; exec ${shellWords('gearadmin', [...place(), 'top'])}`);
    const [, pid] = await top.until(/pid (\d+)/);
    await top.until(/resize/);
    process.kill(Number(pid), 'SIGTERM');
    await top.ended;
    expect(top.stdout()).toContain(LEAVE);
  });

  it('waits for a server that went away', async () => {
    await makeWorld();
    const { port } = world;
    await world.submit('first', '', 'a');
    const top = onTerminal(shellWords('gearadmin', [...place(), 'top', '--interval', '0.1']));
    await top.until(/first/);
    await world.end();
    await top.until(/trying again/);
    const again = createServer({ host: '127.0.0.1', port });
    await again.listen();
    await top.until(/0 functions/);
    top.type('q');
    expect((await top.ended).code).toBe(0);
    await again.close();
  });

  it('paints no colours where NO_COLOR is set', async () => {
    await makeWorld();
    await world.submit('resize', '', 'a');
    const words = shellWords('gearadmin', [...place(), 'top', '--count', '1']);
    const top = onTerminal(words, { env: { NO_COLOR: '1' } });
    expect((await top.ended).code).toBe(0);
    expect(top.stdout()).toContain('resize');
    expect(top.stdout()).not.toContain(RED);
    const painted = onTerminal(words, { env: { NO_COLOR: '' } });
    await painted.ended;
    expect(painted.stdout()).toContain(RED);
  });
});

describe.skipIf(!requirePeer('openssl'))('TLS', () => {
  const certificates = useCertificates();
  const { file } = certificates;

  it('is used with a trusted server, by name and by address', async () => {
    await makeWorld();
    const front = await tlsFront(certificates, world.port);
    for (const host of ['localhost', '127.0.0.1']) {
      const argv = ['-h', `${host}:${front.port}`, '--tls-ca', file('cert.pem'), '--status'];
      expect(await runTool('gearadmin', argv)).toMatchObject({
        code: 0,
        stdout: '.\n',
        stderr: '',
      });
    }
    const env = { GEARMAND_CA_CERTIFICATE: file('cert.pem') };
    const argv = ['-h', `localhost:${front.port}`, '-S', '--status'];
    expect(await runTool('gearadmin', argv, { env })).toMatchObject({ code: 0, stdout: '.\n' });
    front.close();
  });

  it('refuses a server that it cannot verify, unless told otherwise', async () => {
    await makeWorld();
    const front = await tlsFront(certificates, world.port);
    const argv = ['-h', `localhost:${front.port}`, '--status'];
    const refused = await runTool('gearadmin', [...argv, '-S']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /not signed by an authority that is trusted here.*--tls-ca \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
    );
    const taken = await runTool('gearadmin', [...argv, '--tls-insecure']);
    expect(taken).toMatchObject({ code: 0, stdout: '.\n' });
    front.close();
  });

  it('shows its own certificate', async () => {
    await makeWorld();
    const front = await tlsFront(certificates, world.port, true);
    const argv = ['-h', `localhost:${front.port}`, '--tls-ca', file('cert.pem'), '--status'];
    expect((await runTool('gearadmin', argv)).code).toBe(1);
    const own = ['--tls-cert', file('cert.pem'), '--tls-key', file('key.pem')];
    expect(await runTool('gearadmin', [...argv, ...own])).toMatchObject({ code: 0, stdout: '.\n' });
    front.close();
  });

  it('names a file that cannot be read', async () => {
    const { code, stderr } = await runTool('gearadmin', ['--tls-ca', '/no/such/file', '--status']);
    expect(code).toBe(1);
    expect(stderr).toBe(
      'gearadmin: option --tls-ca: read /no/such/file: there is no such file or folder (ENOENT)\n',
    );
  });
});
