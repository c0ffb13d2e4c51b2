/** Frames as they may arrive: cut anywhere, mixed with text, wrong in every way that the protocol knows. */
import { expect, it } from 'vitest';
import { Packet } from '../../../src/protocol/packets.ts';
import { rawPacket, request } from '../../support/packet-text.ts';
import { describeServer } from '../../support/stage.ts';

describeServer('framing', {}, (stage) => {
  it('reads packets and lines that arrive byte by byte', async () => {
    const peer = await stage.peer('peer');
    const bytes = Buffer.concat([
      request('ECHO_REQ', 'a\0b'),
      Buffer.from('bogus\r\n'),
      request('SUBMIT_JOB_BG', stage.fresh('f'), '', 'data'),
    ]);
    for (const byte of bytes) peer.sendRaw(Buffer.of(byte));
    expect((await peer.expect('ECHO_RES')).data.toString()).toBe('a\0b');
    expect(await peer.line()).toBe('ERR UNKNOWN_COMMAND Unknown+server+commandbogus\r\n');
    await peer.expect('JOB_CREATED');
  });

  it('answers text and packets of one write in request order', async () => {
    const peer = await stage.peer('peer');
    const fn = stage.fresh('mixed');
    peer.sendRaw(
      Buffer.concat([
        request('ECHO_REQ', '1'),
        Buffer.from('foo\n'),
        request('SUBMIT_JOB', fn, 'u', 'x'),
        Buffer.from('status\nbar\n'),
        request('GRAB_JOB'),
        request('OPTION_REQ', 'exceptions'),
      ]),
    );
    await peer.expect('ECHO_RES');
    expect(await peer.line()).toMatch(/commandfoo\r\n$/);
    await peer.expect('JOB_CREATED');
    const rows: string[] = [];
    for (let row = await peer.line(); row !== '.\n'; row = await peer.line()) rows.push(row);
    expect(rows).toContain(`${fn}\t1\t0\t0\n`);
    expect(await peer.line()).toMatch(/commandbar\r\n$/);
    await peer.expect('NO_JOB');
    expect((await peer.expect('OPTION_RES')).payload.toString()).toBe('exceptions');
  });

  it.each([
    ['type 0', rawPacket(0)],
    ['type 43', rawPacket(43)],
    ['type 0x7fffffff', rawPacket(0x7fffffff)],
    ['a magic that is neither REQ nor RES', rawPacket(1, 'f', { magic: '\0REX' })],
  ])('closes at %s without a word', async (_, bytes) => {
    const peer = await stage.peer('peer');
    peer.sendRaw(bytes);
    await peer.untilClosed();
    expect(peer.take()).toEqual([]);
  });

  it('closes the connection at a type with the top bit set, and serves the others', async () => {
    const other = await stage.peer('other');
    for (const type of [0x80000000, 0xffffffff, 0x80000001]) {
      const peer = await stage.peer('peer');
      peer.sendRaw(rawPacket(type));
      await peer.untilClosed();
      expect(peer.take()).toEqual([]);
    }
    await other.barrier();
  });

  it.each([
    5,
    Packet.NOOP,
    Packet.JOB_CREATED,
    Packet.NO_JOB,
    Packet.JOB_ASSIGN,
    Packet.ECHO_RES,
    Packet.ERROR,
    Packet.STATUS_RES,
    Packet.OPTION_RES,
    Packet.JOB_ASSIGN_UNIQ,
    Packet.SUBMIT_JOB_SCHED,
    Packet.JOB_ASSIGN_ALL,
    Packet.STATUS_RES_UNIQUE,
  ])('answers type %i with INVALID_COMMAND and goes on', async (type) => {
    const peer = await stage.peer('peer');
    peer.sendRaw(rawPacket(type, '1\x002\x003\x004\x005\x006\x007\x008'), `type ${type}`);
    const error = await peer.expect('ERROR');
    expect(error.payload.toString()).toBe('INVALID_COMMAND\0Command not expected');
    await peer.barrier();
  });

  it('answers the magic of a reply with INVALID_MAGIC and does nothing else', async () => {
    const peer = await stage.peer('peer');
    const fn = stage.fresh('res');
    const payload = Buffer.from(`${fn}\0\0x`);
    peer.sendRaw(rawPacket(Packet.SUBMIT_JOB_BG, payload, { magic: '\0RES' }), 'RES SUBMIT');
    const error = await peer.expect('ERROR');
    expect(error.payload.toString()).toBe('INVALID_MAGIC\0Request magic expected');
    expect((await peer.list('status')).filter((row) => row.startsWith(fn))).toEqual([]);
  });

  it('ignores the payload of packets without arguments', async () => {
    const peer = await stage.peer('peer');
    peer.sendRaw(rawPacket(Packet.GRAB_JOB, 'junk'), 'GRAB_JOB junk');
    await peer.expect('NO_JOB');
    peer.sendRaw(rawPacket(Packet.PRE_SLEEP, 'junk'), 'PRE_SLEEP junk');
    expect(await peer.arrived()).toEqual([]);
  });

  it('leaves surplus NULs to the last argument', async () => {
    const peer = await stage.peer('peer');
    const fn = stage.fresh('nul');
    peer.sendRaw(rawPacket(Packet.CAN_DO, `${fn}\0`), 'CAN_DO with a NUL');
    peer.send('SUBMIT_JOB_BG', fn, '', '\0\0');
    await peer.expect('JOB_CREATED');
    // "f\0" is another name than "f".
    await peer.ask('NO_JOB', 'GRAB_JOB');
    peer.send('CAN_DO', fn);
    const assigned = await peer.ask('JOB_ASSIGN', 'GRAB_JOB');
    expect(assigned.data).toEqual(Buffer.of(0, 0));
  });

  it.each([
    ['SUBMIT_JOB', Packet.SUBMIT_JOB, 'f\0u'],
    ['SUBMIT_REDUCE_JOB with three arguments', Packet.SUBMIT_REDUCE_JOB, 'f\0u\0r\0'],
    ['CAN_DO_TIMEOUT', Packet.CAN_DO_TIMEOUT, 'f'],
  ])('closes at %s with too few arguments', async (_, type, payload) => {
    const peer = await stage.peer('peer');
    peer.sendRaw(rawPacket(type, payload));
    await peer.untilClosed();
    expect(peer.take()).toEqual([]);
  });

  it('reads arguments of up to 8180 bytes', async () => {
    const peer = await stage.peer('peer');
    const long = stage.fresh('f').padEnd(8000, 'x');
    await peer.ask('JOB_CREATED', 'SUBMIT_JOB_BG', long, '', 'data');
    peer.send('CAN_DO', stage.fresh('g').padEnd(8180, 'y'));
    await peer.barrier();
    peer.send('CAN_DO', long);
    const assigned = await peer.ask('JOB_ASSIGN', 'GRAB_JOB');
    expect(assigned.args[1]?.toString()).toBe(long);
    // Names of 8 KB would make every later listing long.
    peer.send('WORK_COMPLETE', assigned.args[0] as Buffer, '');
    await peer.barrier();
  });

  it.each([
    ['CAN_DO', request('CAN_DO', 'x'.repeat(9000))],
    ['SUBMIT_JOB', request('SUBMIT_JOB', 'x'.repeat(9000), '', 'data')],
    ['SUBMIT_JOB whose unique ends too late', request('SUBMIT_JOB', 'f', 'u'.repeat(9000), 'data')],
    ['ECHO_REQ of another connection', null],
  ])('closes at an argument that does not end within 8 KiB: %s', async (_, bytes) => {
    const peer = await stage.peer('peer');
    if (bytes === null) {
      peer.send('ECHO_REQ', 'e'.repeat(9000));
      expect((await peer.expect('ECHO_RES')).data).toHaveLength(9000);
      return;
    }
    peer.sendRaw(bytes, 'too long');
    await peer.untilClosed();
    expect(peer.take()).toEqual([]);
  });

  it('closes at a text line above 8191 bytes, and at six words', async () => {
    const peer = await stage.peer('peer');
    peer.sendRaw(`${'x'.repeat(8191)}\n`, '8191 bytes and LF');
    expect(await peer.line()).toHaveLength(
      8191 + 'ERR UNKNOWN_COMMAND Unknown+server+command\r\n'.length,
    );
    peer.sendRaw(`${'x'.repeat(8192)}\n`, '8192 bytes and LF');
    await peer.untilClosed();
    const wordy = await stage.peer('wordy');
    expect(await wordy.command('one two three four five')).toMatch(/commandone\r\n$/);
    wordy.sendLine('one two three four five six');
    await wordy.untilClosed();
    expect([...peer.take(), ...wordy.take()]).toEqual([]);
  });

  it('answers what came before the end of a half-closed connection', async () => {
    const peer = await stage.peer('nc -N');
    const fn = stage.fresh('half');
    peer
      .sendRaw(
        Buffer.concat([request('SUBMIT_JOB_BG', fn, '', 'x'), Buffer.from('status\nversion\n')]),
        'SUBMIT_JOB_BG, status, version',
      )
      .end();
    await peer.untilClosed();
    const said = peer.take().map((item) => (item.kind === 'line' ? item.text : item.name));
    expect(said[0]).toBe('JOB_CREATED');
    expect(said).toContain(`${fn}\t1\t0\t0\n`);
    expect(said.at(-2)).toBe('.\n');
    expect(said.at(-1)).toMatch(/^OK \S+\n$/);
  });

  it('drops an unfinished packet and line when the connection ends', async () => {
    for (const unfinished of [request('SUBMIT_JOB_BG', 'f', '', 'x').subarray(0, -1), 'status']) {
      const peer = await stage.peer('peer');
      await peer.barrier();
      peer.sendRaw(unfinished).end();
      await peer.untilClosed();
      expect(peer.take()).toEqual([]);
    }
  });
});
