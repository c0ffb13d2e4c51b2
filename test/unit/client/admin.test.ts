/** `client.admin` against servers that answer what the test says: commands, rows, several servers, errors. */
import { describe, expect, it } from 'vitest';
import { Client, type ClientOptions, CommandError } from '../../../src/index.ts';
import type { ScriptedPeer, ScriptedServer } from '../../support/scripted-server.ts';
import { endScripted, keep, quick, scripted } from '../../support/scripted-yard.ts';

endScripted();

type Admin = Client['admin'];

const UNKNOWN = 'ERR UNKNOWN_COMMAND Unknown+server+command\r\n';

function adminOf(servers: ScriptedServer[], options: ClientOptions = {}): Admin {
  return keep(new Client({ ...quick(servers), ...options })).admin;
}

/** Answers the next command with `reply`; resolves with the command. */
async function answer(peer: ScriptedPeer, reply: string): Promise<string> {
  const command = await peer.command();
  peer.reply(reply);
  return command;
}

/** One call at one server that answers `reply`: what was asked, and what the call gives. */
async function asked<T>(
  reply: string,
  call: (admin: Admin) => Promise<T>,
): Promise<{ server: string; command: string; result: PromiseSettledResult<T> }> {
  const server = await scripted();
  const settled = Promise.allSettled([call(adminOf([server]))]);
  const command = await answer(await server.acceptReady(), reply);
  const [result] = await settled;
  return { server: server.address, command, result };
}

async function rowsOf<T>(reply: string, call: (admin: Admin) => Promise<T[]>): Promise<unknown[]> {
  const { server, result } = await asked(reply, call);
  if (result.status === 'rejected') throw result.reason;
  return result.value.map((row) => {
    const { server: of, ...figures } = row as { server: string };
    expect(of).toBe(server);
    return figures;
  });
}

describe('listings', () => {
  it('status: names as they are, with tabs and line ends', async () => {
    const reply = 'größe\t5\t2\t3\na\tb\nc\t0\t0\t1\n.\n';
    expect(await rowsOf(reply, (admin) => admin.status())).toEqual([
      { name: 'größe', total: 5, running: 2, workers: 3 },
      { name: 'a\tb\nc', total: 0, running: 0, workers: 1 },
    ]);
  });

  it('of an empty server have no rows', async () => {
    expect(await rowsOf('.\n', (admin) => admin.status())).toEqual([]);
    expect(await rowsOf('.\n', (admin) => admin.workers())).toEqual([]);
  });

  it('functions: names are unescaped', async () => {
    const reply =
      'a\\x0ab\\x5c\t5\t2\t3\t70\t1500\t-\t1\t17\nf\t0\t0\t0\t1\t0\trate+draining\nold\t0\t0\t0\t1\t0\n.\n';
    const untold = { retrying: null, dead: null };
    const none = { queued: 0, running: 0, workers: 0, created: 1, oldestMs: 0 };
    expect(await rowsOf(reply, (admin) => admin.functions())).toEqual([
      {
        name: 'a\nb\\',
        queued: 5,
        running: 2,
        workers: 3,
        created: 70,
        oldestMs: 1500,
        gate: null,
        isDraining: false,
        retrying: 1,
        dead: 17,
      },
      { name: 'f', ...none, ...untold, gate: 'rate', isDraining: true },
      { name: 'old', ...none, ...untold, gate: null, isDraining: false },
    ]);
  });

  it('workers: with and without client id, IPv6, names with a line end', async () => {
    const reply = '39 127.0.0.1 - :\n40 ::1 two words : f a\nb\n41 10.0.0.1 x : g\n.\n';
    expect(await rowsOf(reply, (admin) => admin.workers())).toEqual([
      { number: 39, address: '127.0.0.1', id: null, functions: [] },
      { number: 40, address: '::1', id: 'two words', functions: ['f', 'a\nb'] },
      { number: 41, address: '10.0.0.1', id: 'x', functions: ['g'] },
    ]);
  });

  it('jobs', async () => {
    const { command, result } = await asked('H:a:1\t2\t0\t1\nH:a:2\t0\t1\t0\n.\n', (admin) =>
      admin.jobs(),
    );
    expect(command).toBe('show jobs');
    expect(result).toMatchObject({
      value: [
        { handle: 'H:a:1', lostRuns: 2, isIgnored: false, isBackground: true },
        { handle: 'H:a:2', lostRuns: 0, isIgnored: true, isBackground: false },
      ],
    });
  });

  it('policies: keys, states, escaped names', async () => {
    const reply =
      'gr%C3%B6%C3%9Fe\tconcurrency:5,rate:100/s\topen\nf\t-\tpaused:60,draining\ng\trate:0,jitter:0.25,backoff:exp:1s:1h\tpaused\n.\n';
    expect(await rowsOf(reply, (admin) => admin.policy())).toEqual([
      {
        name: 'größe',
        policy: { concurrency: 5, rate: '100/s' },
        isPaused: false,
        pausedSeconds: null,
        isDraining: false,
      },
      { name: 'f', policy: {}, isPaused: true, pausedSeconds: 60, isDraining: true },
      {
        name: 'g',
        policy: { rate: 0, jitter: 0.25, backoff: 'exp:1s:1h' },
        isPaused: true,
        pausedSeconds: null,
        isDraining: false,
      },
    ]);
  });

  it('the policy of one function: with the origin of each key', async () => {
    const reply = 'concurrency\t5\toption\nrate\t2/m\tcommand\nstate\tdraining\t-\n.\n';
    const { command, result } = await asked(reply, (admin) => admin.policy('a b'));
    expect(command).toBe('policy a%20b');
    expect(result).toMatchObject({
      value: [
        {
          name: 'a b',
          policy: { concurrency: 5, rate: '2/m' },
          origins: { concurrency: 'option', rate: 'command' },
          isPaused: false,
          isDraining: true,
        },
      ],
    });
  });

  it('dead jobs: uniques and errors are unescaped, errors are split', async () => {
    const reply =
      'H:a:2\ta%20%C3%BC\tfail\t3\t1\t90\t4\t10.0.0.1:5 a\\x09ü\tfail | exception: a\\x0ab \\x7c \\x5c: ü | fail\n' +
      'H:a:1\t-\tlost\t0\t2\t0\t0\t-\tlost\n.\n';
    expect(await rowsOf(reply, (admin) => admin.dead('f'))).toEqual([
      {
        handle: 'H:a:2',
        unique: 'a ü',
        cause: 'fail',
        attempts: 3,
        lostRuns: 1,
        ageMs: 90_000,
        workloadBytes: 4,
        worker: '10.0.0.1:5 a\tü',
        errors: [
          { cause: 'fail', text: '' },
          { cause: 'exception', text: 'a\nb | \\: ü' },
          { cause: 'fail', text: '' },
        ],
      },
      {
        handle: 'H:a:1',
        unique: null,
        cause: 'lost',
        attempts: 0,
        lostRuns: 2,
        ageMs: 0,
        workloadBytes: 0,
        worker: null,
        errors: [{ cause: 'lost', text: '' }],
      },
    ]);
  });

  it.each<[string, (admin: Admin) => Promise<unknown>]>([
    ['dead a%20b', (a) => a.dead('a b')],
    ['dead f 5', (a) => a.dead('f', { limit: 5 })],
  ])('%s', async (line, call) => {
    expect((await asked('.\n', call)).command).toBe(line);
  });

  it('that lack a column are an error of the protocol', async () => {
    const { result } = await asked('H:a:1\t-\tlost\t0\t2\t0\t0\n.\n', (a) => a.dead('f'));
    expect(result).toMatchObject({ reason: { code: 'ERR_GEARMAN_PROTOCOL' } });
  });

  it('may have a row that begins like an error', async () => {
    expect(await rowsOf('ERR x\t1\t0\t0\n.\n', (admin) => admin.status())).toEqual([
      { name: 'ERR x', total: 1, running: 0, workers: 0 },
    ]);
  });

  it('that are none are an error of the protocol', async () => {
    const { server, result } = await asked('hello\n', (admin) => admin.status());
    expect(result).toMatchObject({
      reason: {
        code: 'ERR_GEARMAN_PROTOCOL',
        message: `job server ${server}: the server answered "hello"`,
      },
    });
  });

  it('that come in parts are read whole', async () => {
    const server = await scripted();
    const rows = adminOf([server]).status();
    const peer = await server.acceptReady();
    await peer.command();
    const bytes = Buffer.concat([
      Buffer.from('größe\t1\t0\t0\n.\n'),
      Buffer.from('\0RES\0\0\0\x11\0\0\0\0', 'latin1'),
    ]);
    for (const byte of bytes) {
      peer.sendRaw(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await rows).map(({ name }) => name)).toEqual(['größe']);
  });
});

describe('changes', () => {
  it.each<[string, (admin: Admin) => Promise<unknown>]>([
    ['policy f concurrency:5,rate:100/s', (a) => a.policy('f', { concurrency: 5, rate: '100/s' })],
    ['policy f burst:2', (a) => a.policy('f', 'burst:2')],
    ['policy gr%C3%B6%C3%9Fe%0A rate:0', (a) => a.policy('größe\n', { rate: 0 })],
    ['policy f reset', (a) => a.resetPolicy('f')],
    ['pause f', (a) => a.pause('f')],
    ['pause f 60', (a) => a.pause('f', { seconds: 60 })],
    ['resume f', (a) => a.resume('f')],
    ['drain f', (a) => a.drain('f')],
  ])('%s', async (line, call) => {
    const kept = await asked('OK\r\n', call);
    expect(kept.command).toBe(line);
    expect(kept.result).toEqual({ status: 'fulfilled', value: { isKept: true } });
    const lost = await asked('OK until+the+server+ends\r\n', call);
    expect(lost.result).toEqual({ status: 'fulfilled', value: { isKept: false } });
  });

  it('keep the order of the calls', async () => {
    const server = await scripted();
    const admin = adminOf([server]);
    const all = Promise.all([admin.pause('f'), admin.resume('f'), admin.pause('g')]);
    const peer = await server.acceptReady();
    const commands = [
      await answer(peer, 'OK\r\n'),
      await answer(peer, 'OK until+x\r\n'),
      await answer(peer, 'OK\r\n'),
    ];
    expect(commands).toEqual(['pause f', 'resume f', 'pause g']);
    expect(await all).toEqual([{ isKept: true }, { isKept: false }, { isKept: true }]);
  });

  it('that are refused give the sentence of the server', async () => {
    const { server, result } = await asked('ERR INVALID_POLICY there+is+no+key+"x"\r\n', (admin) =>
      admin.policy('f', 'x:1'),
    );
    const { reason } = result as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(CommandError);
    expect(reason).toMatchObject({
      code: 'ERR_GEARMAN_COMMAND',
      serverCode: 'INVALID_POLICY',
      server,
      message: `job server ${server} refused: there is no key "x"`,
    });
  });

  it.each<[string, (admin: Admin) => Promise<unknown>]>([
    ['has no pauses', (a) => a.pause('f')],
    ['has no pauses', (a) => a.resume('f')],
    ['has no policies', (a) => a.policy()],
    ['has no policies', (a) => a.policy('f', 'rate:0')],
    ['has no draining of functions', (a) => a.drain('f')],
    ['has no dead jobs', (a) => a.dead('f')],
    ['has no dead jobs', (a) => a.kick('f')],
    ['has no dead jobs', (a) => a.kickJob('H:a:1')],
    ['has no dead jobs', (a) => a.buryJob('H:a:1')],
    ['has no report about one job', (a) => a.job('H:a:1')],
  ])('of a server that does not know the command: it %s', async (what, call) => {
    for (const reply of [
      UNKNOWN,
      'ERR UNKNOWN_SHOW_ARGUMENTS\r\n',
      UNKNOWN.toLowerCase().replace('err', 'ERR'),
    ]) {
      const { server, result } = await asked(reply, call);
      expect(result).toMatchObject({
        reason: {
          name: 'CommandError',
          code: 'ERR_GEARMAN_NO_COMMAND',
          message: `job server ${server} ${what}; it is not geartrain, or an earlier version of it`,
        },
      });
    }
  });

  it.each<[string, (admin: Admin) => Promise<unknown>]>([
    ['a function name is needed', (a) => a.pause('')],
    ['contains NUL', (a) => a.policy('a\0b')],
    ['is 8001 bytes, limit 8000', (a) => a.drain('x'.repeat(8001))],
    ['option seconds: 0, allowed is 1 to', (a) => a.pause('f', { seconds: 0 })],
    [
      'there is no option second, did you mean seconds?',
      (a) => a.pause('f', { second: 1 } as object),
    ],
    ['there is no option sever', (a) => a.status({ sever: 'x' } as object)],
    ['option server: x, allowed is 127.0.0.1:1', (a) => a.status({ server: 'x' })],
    ['without blanks', (a) => a.policy('f', 'rate:1/s\npolicy g rate:0')],
    ['without blanks', (a) => a.policy('f', {})],
    ['one word is needed', (a) => a.cancel('H:1\ndrain f')],
    ['one word is needed', (a) => a.kickJob('H:1 H:2')],
    ['option limit: 0, allowed is 1 to 10000000', (a) => a.dead('f', { limit: 0 })],
    ['option limit: 1.5, allowed is 1 to 10000000', (a) => a.kick('f', { limit: 1.5 })],
    ['there is no option seconds', (a) => a.kick('f', { seconds: 1 } as object)],
    ['command: is ', (a) => a.pause('ü'.repeat(2000))],
  ])('are checked before anything is sent: %s', async (text, call) => {
    const client = keep(new Client({ servers: ['127.0.0.1:1'] }));
    await expect(call(client.admin)).rejects.toMatchObject({
      code: 'ERR_GEARMAN_ARGUMENT',
      message: expect.stringContaining(text),
    });
  });
});

const JOB = [
  'handle\tH:a:1',
  'function\tgr%C3%B6%C3%9Fe',
  'unique\tu',
  'state\tretrying',
  'priority\thigh',
  'background\t1',
  'attempts\t2',
  'losses\t0',
  'next_run_ms\t1500',
  'workload_bytes\t4',
  'error\t60\ttimeout\t30000\t-\t',
  'error\t2\texception\t7\t10.0.0.1:5 me\twent\\x0a ü',
  '.\n',
].join('\n');

describe('one job', () => {
  it('is shown with its errors', async () => {
    const { server, command, result } = await asked(JOB, (admin) => admin.job('H:a:1'));
    expect(command).toBe('show job H:a:1');
    expect(result).toEqual({
      status: 'fulfilled',
      value: {
        server,
        handle: 'H:a:1',
        functionName: 'größe',
        unique: 'u',
        state: 'retrying',
        priority: 'high',
        isBackground: true,
        attempts: 2,
        lostRuns: 0,
        nextRunMs: 1500,
        workloadBytes: 4,
        errors: [
          { cause: 'timeout', text: '', ageMs: 60_000, runMs: 30_000, worker: null },
          {
            cause: 'exception',
            text: 'went\n ü',
            ageMs: 2000,
            runMs: 7,
            worker: '10.0.0.1:5 me',
          },
        ],
      },
    });
  });

  it('that waits for no next run has no time of it', async () => {
    const reply = JOB.replace('retrying', 'queued').replace('1500', '0').replace('tu\n', 't-\n');
    const { result } = await asked(reply, (admin) => admin.job('H:a:1'));
    expect(result).toMatchObject({ value: { state: 'queued', nextRunMs: null } });
  });

  it('without its state is an error of the protocol', async () => {
    const { result } = await asked(JOB.replace('state', 'stage'), (a) => a.job('H:a:1'));
    expect(result).toMatchObject({ reason: { code: 'ERR_GEARMAN_PROTOCOL' } });
  });

  it.each<[string, (admin: Admin) => Promise<unknown>, unknown]>([
    ['show job H:a:1', (a) => a.job('H:a:1'), null],
    ['kick job H:a:1', (a) => a.kickJob('H:a:1'), false],
    ['bury job H:a:1', (a) => a.buryJob('H:a:1'), false],
    ['cancel job H:a:1', (a) => a.cancel('H:a:1'), false],
  ])('%s is asked of the servers in turn, until one has it', async (line, call, none) => {
    const servers = [await scripted(), await scripted(), await scripted()];
    const [first, second, third] = servers as [ScriptedServer, ScriptedServer, ScriptedServer];
    const admin = adminOf(servers);
    const found = call(admin);
    const peers = [await first.acceptReady()];
    expect(await answer(peers[0] as ScriptedPeer, 'ERR UNKNOWN_JOB\r\n')).toBe(line);
    peers.push(await second.acceptReady());
    await answer(peers[1] as ScriptedPeer, none === null ? JOB : 'OK\r\n');
    expect(await found).toEqual(
      none === null ? expect.objectContaining({ server: second.address }) : true,
    );
    expect(third.connectionCount).toBe(0);
    const missed = call(admin);
    await answer(peers[0] as ScriptedPeer, 'ERR UNKNOWN_JOB\r\n');
    await answer(peers[1] as ScriptedPeer, 'ERR UNKNOWN_JOB\r\n');
    await answer(await third.acceptReady(), 'ERR UNKNOWN_JOB\r\n');
    expect(await missed).toBe(none);
  });

  it('that may not be kicked makes the call reject with the reason', async () => {
    const reply = 'ERR UNIQUE_IN_USE A+live+job+has+the+same+unique\r\n';
    const { server, result } = await asked(reply, (admin) => admin.kickJob('H:a:1'));
    expect(result).toMatchObject({
      reason: {
        code: 'ERR_GEARMAN_COMMAND',
        serverCode: 'UNIQUE_IN_USE',
        message: `job server ${server} refused: A live job has the same unique`,
      },
    });
  });
});

describe('kick of a function', () => {
  it.each<[string, (admin: Admin) => Promise<unknown>]>([
    ['kick function a%20b 10000000', (a) => a.kick('a b')],
    ['kick function f 3', (a) => a.kick('f', { limit: 3 })],
  ])('%s', async (line, call) => {
    const reply = 'OK 2+kicked,+1+left+because+their+unique+is+in+use\r\n';
    const { command, result } = await asked(reply, call);
    expect(command).toBe(line);
    expect(result).toEqual({ status: 'fulfilled', value: { kicked: 2, left: 1 } });
  });

  it('sums up the servers', async () => {
    const servers = [await scripted(), await scripted()];
    const all = adminOf(servers).kick('f');
    for (const [i, server] of servers.entries())
      await answer(
        await server.acceptReady(),
        `OK ${i + 1}+kicked,+${i}+left+because+their+unique+is+in+use\r\n`,
      );
    expect(await all).toEqual({ kicked: 3, left: 1 });
  });

  it('rejects when a server answers something else', async () => {
    const { result } = await asked('OK\r\n', (admin) => admin.kick('f'));
    expect(result).toMatchObject({ reason: { code: 'ERR_GEARMAN_PROTOCOL' } });
  });
});

describe('several servers', () => {
  it('are read together, each row with its server', async () => {
    const servers = [await scripted(), await scripted()];
    const rows = adminOf(servers).status();
    for (const [i, server] of servers.entries())
      await answer(await server.acceptReady(), `f\t${i}\t0\t0\n.\n`);
    expect(await rows).toEqual(
      servers.map(({ address }, i) => ({
        server: address,
        name: 'f',
        total: i,
        running: 0,
        workers: 0,
      })),
    );
  });

  it('that cannot be reached are left out of reads; without any the call rejects', async () => {
    const server = await scripted();
    const client = keep(
      new Client({ ...quick([server]), servers: ['127.0.0.1:1', server.address] }),
    );
    const rows = client.admin.status();
    await answer(await server.acceptReady(), 'f\t1\t0\t0\n.\n');
    expect((await rows).map((row) => row.server)).toEqual([server.address]);
    await expect(client.admin.status({ server: '127.0.0.1:1' })).rejects.toMatchObject({
      code: 'ERR_GEARMAN_CONNECT',
    });
  });

  it('that refuse make a read reject', async () => {
    const servers = [await scripted(), await scripted()];
    const rows = Promise.allSettled([adminOf(servers).functions()]);
    const [first, second] = await Promise.all(servers.map((server) => server.acceptReady()));
    await answer(first as ScriptedPeer, '.\n');
    await answer(second as ScriptedPeer, UNKNOWN);
    expect(await rows).toMatchObject([
      { reason: { code: 'ERR_GEARMAN_NO_COMMAND', server: servers[1]?.address } },
    ]);
  });

  it('are all told of a change, which is kept where all keep it', async () => {
    const servers = [await scripted(), await scripted()];
    const change = adminOf(servers).pause('f');
    const [first, second] = await Promise.all(servers.map((server) => server.acceptReady()));
    await answer(first as ScriptedPeer, 'OK\r\n');
    await answer(second as ScriptedPeer, 'OK until+the+server+ends\r\n');
    expect(await change).toEqual({ isKept: false });
  });

  it('make a change reject when one refuses, after all have answered', async () => {
    const servers = [await scripted(), await scripted()];
    let isSettled = false;
    const change = Promise.allSettled([adminOf(servers).drain('f')]).finally(() => {
      isSettled = true;
    });
    const [first, second] = await Promise.all(servers.map((server) => server.acceptReady()));
    await answer(first as ScriptedPeer, 'ERR REFUSED f+is+an+alias+of+g\r\n');
    await (second as ScriptedPeer).command();
    expect(isSettled).toBe(false);
    second?.reply('OK\r\n');
    expect(await change).toMatchObject([
      { reason: { serverCode: 'REFUSED', server: servers[0]?.address } },
    ]);
  });

  it('are not told with the option server, except that one', async () => {
    const servers = [await scripted(), await scripted()];
    const [other, one] = servers as [ScriptedServer, ScriptedServer];
    const change = adminOf(servers).pause('f', { server: one.address });
    await answer(await one.acceptReady(), 'OK\r\n');
    expect(await change).toEqual({ isKept: true });
    expect(other.connectionCount).toBe(0);
  });

  it('that all do not know a job make cancel false; one that cannot be asked makes it reject', async () => {
    const server = await scripted();
    const client = keep(
      new Client({ ...quick([server]), servers: ['127.0.0.1:1', server.address] }),
    );
    const alone = client.admin.cancel('H:a:1', { server: server.address });
    const peer = await server.acceptReady();
    await answer(peer, 'ERR UNKNOWN_JOB\r\n');
    expect(await alone).toBe(false);
    const both = Promise.allSettled([client.admin.cancel('H:a:1')]);
    await answer(peer, 'ERR UNKNOWN_JOB\r\n');
    expect(await both).toMatchObject([{ reason: { code: 'ERR_GEARMAN_CONNECT' } }]);
  });
});

describe('the connection', () => {
  it('opens at the first call, besides that of the client, and shows token and id', async () => {
    const server = await scripted();
    const token = 'x'.repeat(16);
    const client = keep(new Client({ ...quick([server]), token, id: 'operator' }));
    const connected = client.connect();
    await server.acceptReady();
    await connected;
    expect(server.connectionCount).toBe(1);
    const rows = client.admin.status();
    const peer = await server.acceptReady();
    await answer(peer, '.\n');
    await rows;
    expect(peer.heard.slice(0, 3)).toEqual(['OPTION_REQ', 'SET_CLIENT_ID', 'ECHO_REQ']);
  });

  it('that is lost ends its commands, and is made again', async () => {
    const server = await scripted();
    const admin = adminOf([server]);
    const lost = Promise.allSettled([admin.pause('f'), admin.status()]);
    const first = await server.acceptReady();
    await first.command();
    first.close();
    expect(await lost).toMatchObject([
      { reason: { code: 'ERR_GEARMAN_LOST' } },
      { reason: { code: 'ERR_GEARMAN_LOST' } },
    ]);
    const second = await server.accept();
    await second.welcome();
    const again = (async () => {
      for (;;) {
        // The client may not have read yet that it is welcome.
        await new Promise((resolve) => setImmediate(resolve));
        const rows = await admin.status().catch(() => null);
        if (rows !== null) return rows;
      }
    })();
    await answer(second, '.\n');
    expect(await again).toEqual([]);
  });

  it('ends with the client, and so do its commands', async () => {
    const server = await scripted();
    const client = new Client(quick([server]));
    const pending = Promise.allSettled([client.admin.status()]);
    const peer = await server.acceptReady();
    await peer.command();
    await client.close();
    const closed = { reason: { code: 'ERR_GEARMAN_CLOSED', message: 'the client was closed' } };
    expect(await pending).toMatchObject([closed]);
    await peer.untilClosed();
    expect(await Promise.allSettled([client.admin.status()])).toMatchObject([closed]);
  });

  it('ends when the server sends text that nothing asked for', async () => {
    const server = await scripted();
    const admin = adminOf([server]);
    const refused = Promise.allSettled([admin.status()]);
    (await server.accept()).sendRaw(Buffer.from('SSH-2.0-OpenSSH_9.9\r\n'));
    expect(await refused).toMatchObject([
      { reason: { code: 'ERR_GEARMAN_PROTOCOL', message: expect.stringContaining('sent text') } },
    ]);
  });

  it('is not waited for longer than timeoutMs and signal say', async () => {
    const server = await scripted();
    const admin = adminOf([server], { timeoutMs: 50 });
    await expect(admin.status()).rejects.toMatchObject({
      code: 'ERR_GEARMAN_TIMEOUT',
      message: 'admin command status: not done within 50 ms',
    });
    const reason = new Error('enough');
    await expect(admin.pause('f', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(admin.status({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
