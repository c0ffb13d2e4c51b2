/** The text protocol: every command, byte for byte. */
import { expect, it } from 'vitest';
import { describeServer, grab, submit, workerOf } from '../../support/stage.ts';

const UNKNOWN = 'ERR UNKNOWN_COMMAND Unknown+server+command';
const INCOMPLETE = 'ERR INVALID_ARGUMENTS An+incomplete+set+of+arguments+was+sent+to+this+command+';
const SHOW = 'ERR UNKNOWN_SHOW_ARGUMENTS\r\n';

describeServer('text commands', {}, (stage) => {
  it.each([
    ['', `${UNKNOWN}\r\n`],
    [' status', `${UNKNOWN}\r\n`],
    ['shutdown', `${UNKNOWN}shutdown\r\n`],
    ['Foo bar', `${UNKNOWN}Foo\r\n`],
    ['\tstatus', `${UNKNOWN}\tstatus\r\n`],
    ['show', `${UNKNOWN}show\r\n`],
    ['cancel', `${UNKNOWN}cancel\r\n`],
    ['cancel job', `${UNKNOWN}cancel\r\n`],
    ['show foo', SHOW],
    ['show jobs ', SHOW],
    ['show jobs now', SHOW],
    ['show unique', SHOW],
    ['cancel a b', 'ERR UNKNOWN_ERROR\r\n'],
    ['cancel job a b', 'ERR UNKNOWN_ERROR\r\n'],
    ['cancel job H:nowhere:1', 'ERR UNKNOWN_JOB\r\n'],
    ['create', `${INCOMPLETE}create\r\n`],
    ['create function', `${INCOMPLETE}create\r\n`],
    ['create foo bar', `${INCOMPLETE}create\r\n`],
    ['drop', `${INCOMPLETE}drop\r\n`],
    ['drop foo bar', `${INCOMPLETE}drop\r\n`],
    ['drop function nowhere', 'ERR function not found\r\n'],
    ['maxqueue', `${INCOMPLETE}maxqueue\r\n`],
    ['maxqueue nowhere', 'OK\r\n'],
    ['maxqueue nowhere 5', 'OK\r\n'],
    ['MAXQUEUE nowhere -1 x 3', 'OK\r\n'],
  ])('answers "%s"', async (command, answer) => {
    const peer = await stage.peer('peer');
    expect(await peer.command(command)).toBe(answer);
    expect(await peer.command(command, '\r\n')).toBe(answer);
  });

  it('tells version, pid and log level in one line that ends in LF', async () => {
    const peer = await stage.peer('peer');
    expect(await peer.command('version')).toMatch(/^OK 2\.0\.0\+geartrain\.\d+\.\d+\.\d+\S*\n$/);
    expect(await peer.command('GetPid')).toBe(`OK ${stage.server.pid}\n`);
    expect(await peer.command('verbose')).toMatch(
      /^OK (FATAL|ALERT|CRITICAL|ERROR|WARNING|NOTICE|INFO|DEBUG)\n$/,
    );
  });

  it('lists functions by total, running and workers, and by priority', async () => {
    const fn = stage.fresh('lists');
    const worker = await workerOf(stage, 'worker', fn);
    await submit(worker, 'SUBMIT_JOB_HIGH_BG', fn);
    await submit(worker, 'SUBMIT_JOB_BG', fn);
    await submit(worker, 'SUBMIT_JOB', fn);
    await worker.ask('JOB_CREATED', 'SUBMIT_JOB_LOW', fn, '', '');
    await grab(worker);
    expect(await worker.list('status')).toContain(`${fn}\t4\t1\t1`);
    expect(await worker.list('prioritystatus')).toContain(`${fn}\t0\t2\t1\t1`);
    expect(await worker.list('PriorityStatus   extra words')).toContain(`${fn}\t0\t2\t1\t1`);
  });

  it('lists connections with address, id and functions', async () => {
    const worker = await workerOf(stage, 'worker', stage.fresh('f'), stage.fresh('g'));
    worker.send('SET_CLIENT_ID', stage.fresh('my id'));
    await worker.barrier();
    const client = await stage.peer('client');
    const rows = await client.list('workers');
    const names = `${stage.fresh('g')} ${stage.fresh('f')}`;
    expect(rows.filter((row) => row.includes(stage.fresh('my id')))).toEqual([
      expect.stringMatching(
        new RegExp(`^\\d+ 127\\.0\\.0\\.1 ${stage.fresh('my id')} : ${names}$`),
      ),
    ]);
    expect(rows).toContainEqual(expect.stringMatching(/^\d+ 127\.0\.0\.1 - :$/));
  });

  it('lists jobs and their uniques, empty ones too', async () => {
    const fn = stage.fresh('jobs');
    const unique = stage.fresh('unique');
    const client = await stage.peer('client');
    const foreground = await submit(client, 'SUBMIT_JOB', fn, unique);
    const background = await submit(client, 'SUBMIT_JOB_BG', fn);
    const rows = await client.list('show jobs');
    expect(rows).toContain(`${foreground}\t0\t0\t0`);
    expect(rows).toContain(`${background}\t0\t0\t1`);
    const uniques = await client.list('SHOW Unique jobs');
    expect(uniques).toContain(unique);
    expect(uniques).toContain('');
  });

  it('cancels a queued job: its client hears WORK_FAIL, nobody runs it', async () => {
    const fn = stage.fresh('cancelled');
    const client = await stage.peer('client');
    const handle = await submit(client, 'SUBMIT_JOB', fn);
    const admin = await stage.peer('admin');
    expect(await admin.command(`cancel job ${handle}`)).toBe('OK\r\n');
    expect((await client.expect('WORK_FAIL')).payload.toString()).toBe(handle);
    expect(await admin.command(`cancel job ${handle}`)).toBe('ERR UNKNOWN_JOB\r\n');
    const worker = await workerOf(stage, 'worker', fn);
    await worker.ask('NO_JOB', 'GRAB_JOB');
  });

  it('cancels a running job: its client hears WORK_FAIL and nothing more', async () => {
    const fn = stage.fresh('cancelled');
    const client = await stage.peer('client');
    const worker = await workerOf(stage, 'worker', fn);
    const handle = await submit(client, 'SUBMIT_JOB', fn);
    await grab(worker);
    const admin = await stage.peer('admin');
    expect(await admin.command(`cancel job ${handle}`)).toBe('OK\r\n');
    expect((await client.expect('WORK_FAIL')).payload.toString()).toBe(handle);
    worker.send('WORK_DATA', handle, 'x');
    worker.send('WORK_COMPLETE', handle, 'x');
    expect(await worker.arrived()).toEqual([]);
    expect(await client.arrived()).toEqual([]);
    expect(await client.list('status')).toContain(`${fn}\t0\t0\t1`);
  });

  it('creates a function under its whole name, with LF and with CR LF', async () => {
    const peer = await stage.peer('peer');
    const [lf, crlf] = [stage.fresh('lf'), stage.fresh('crlf')];
    expect(await peer.command(`create function ${lf}`)).toBe('OK\r\n');
    expect(await peer.command(`create function ${crlf}`, '\r\n')).toBe('OK\r\n');
    expect(await peer.command(`create function ${crlf}`, '\r\n')).toBe('OK\r\n');
    const rows = await peer.list('status');
    expect(rows).toContain(`${lf}\t0\t0\t0`);
    expect(rows).toContain(`${crlf}\t0\t0\t0`);
  });

  it('drops the function of exactly that case', async () => {
    const peer = await stage.peer('peer');
    const [small, large] = [stage.fresh('case'), stage.fresh('Case')];
    for (const fn of [small, large]) await peer.command(`create function ${fn}`);
    expect(await peer.command(`drop function ${small}`)).toBe('OK\r\n');
    const rows = await peer.list('status');
    expect(rows).not.toContain(`${small}\t0\t0\t0`);
    expect(rows).toContain(`${large}\t0\t0\t0`);
  });

  it('refuses to drop a function that has workers', async () => {
    const fn = stage.fresh('busy');
    const worker = await workerOf(stage, 'worker', fn);
    const refusal = 'ERR there are still connected workers or executing clients\r\n';
    expect(await worker.command(`drop function ${fn}`)).toBe(refusal);
  });

  it('refuses to drop a function that has queued jobs', async () => {
    const fn = stage.fresh('full');
    const client = await stage.peer('client');
    const handle = await submit(client, 'SUBMIT_JOB_BG', fn, 'key');
    const refusal = 'ERR there are still connected workers or executing clients\r\n';
    expect(await client.command(`drop function ${fn}`)).toBe(refusal);
    expect(await submit(client, 'SUBMIT_JOB_BG', fn, 'key')).toBe(handle);
  });

  it('answers several commands of one write in order', async () => {
    const peer = await stage.peer('monitor');
    peer.sendRaw('status\nversion\nshow jobs\ngetpid\n');
    const lines: string[] = [];
    while (lines.filter((line) => line.startsWith('OK ')).length < 2) lines.push(await peer.line());
    const kinds = lines.filter((line) => line === '.\n' || line.startsWith('OK '));
    expect(kinds).toEqual([
      '.\n',
      expect.stringMatching(/^OK 2/),
      '.\n',
      `OK ${stage.server.pid}\n`,
    ]);
  });

  it('lists 20,000 functions whole', { timeout: 60_000 }, async () => {
    const worker = await stage.peer('worker');
    const names = Array.from({ length: 20_000 }, (_, i) => stage.fresh(`f${i}`));
    for (const fn of names) worker.send('CAN_DO', fn);
    await worker.barrier();
    const rows = new Set(await worker.list('status'));
    expect(names.filter((fn) => !rows.has(`${fn}\t0\t0\t1`))).toEqual([]);
    worker.send('RESET_ABILITIES');
    await worker.barrier();
  });
});

describeServer(
  'text commands with --admin-from 10.0.0.0/8',
  { args: ['--admin-from=10.0.0.0/8'] },
  (stage) => {
    it('refuses text from elsewhere, and serves packets', async () => {
      const peer = await stage.peer('peer');
      const refusal = 'ERR NOT_ALLOWED Not+allowed+from+this+address\r\n';
      expect(await peer.command('status')).toBe(refusal);
      await peer.barrier();
    });
  },
);
