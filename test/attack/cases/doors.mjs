/** Attacks on listeners: descriptors, TLS, HTTP, and one protocol sent to the port of another. */
import { packet, Type } from '../wire.mjs';

const request = (line, ...head) => `${[line, ...head].join('\r\n')}\r\n\r\n`;

/** The first answer of a new peer on `on` to `text`; an empty text when it is closed without one. */
async function answer(attack, on, text) {
  const peer = await attack.peer({ on });
  let found = '';
  const first = new Promise((resolve) => {
    peer.socket.on('data', (bytes) => {
      found += bytes.toString('latin1');
      resolve();
    });
  });
  await peer.send(Buffer.from(text, 'latin1'));
  await Promise.race([first, peer.closed]);
  return found;
}

export const LIMITS = [
  {
    name: 'descriptors',
    about: 'more silent peers than descriptors (1,024), and honest handshakes on every port',
    start: { args: [], descriptors: 1024, listens: ['tls', 'http', 'control'] },
    growthMib: () => 64,
    async play(attack) {
      const silent = await attack.peers(1_010);
      // Each of these asks for more descriptors than one. After each round one more is free, or is taken by a peer that
      // was not accepted before.
      for (let i = 0; i < 40; i++) {
        const secure = attack.peer({ on: 'tls' });
        const posted = answer(attack, 'http', request('POST /f HTTP/1.1', 'Content-Length: 0'));
        const asked = answer(
          attack,
          'control',
          request('GET /healthz HTTP/1.1', 'Host: localhost'),
        );
        const waited = new Promise((resolve) => setTimeout(resolve, 100));
        await Promise.race([Promise.allSettled([secure, posted, asked]), waited]);
        const first = silent.shift();
        first.reset();
        await first.closed;
      }
      for (const peer of silent) peer.reset();
      await Promise.all(silent.map((peer) => peer.closed));
      const peer = await attack.peer({ on: 'tls' });
      attack.check(await peer.barrier(), 'a TLS peer is not served afterwards');
    },
  },
  {
    name: 'half-open',
    about: '2,000 peers that begin a handshake or a request on each port and stop',
    start: { args: [], listens: ['tls', 'http', 'control'] },
    growthMib: () => 200,
    async play(attack) {
      const beginnings = {
        tls: ['', '\x16', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 'GET / HTTP/1.1\r\n'],
        http: ['', 'P', 'POST /f HTTP/1.1\r\nContent-Length: 100\r\n', '\0REQ\0\0\0\x10\0\0\0\0'],
        control: ['', 'GET /metr', 'GET /metrics HTTP/1.1\r\nA: ', '\x16\x03\x01'],
        plain: ['\0REQ', '\0REQ\0\0\0\x07\0\xff\xff\xff', 'stat'],
      };
      const count = attack.scaled(2_000);
      for (const [on, texts] of Object.entries(beginnings)) {
        const peers = [];
        for (let i = 0; i < count; i += 100)
          peers.push(...(await attack.peers(Math.min(100, count - i), { on, isRaw: true })));
        for (const [i, peer] of peers.entries())
          void peer.send(Buffer.from(texts[i % texts.length], 'latin1'));
        await new Promise((resolve) => setTimeout(resolve, 200));
        for (const peer of peers) peer.reset();
      }
    },
  },
  {
    name: 'stalled-bodies',
    about: 'HTTP peers whose bodies stall; another POST is answered all the same',
    start: { args: [], listens: ['http'] },
    growthMib: () => 300,
    async play(attack) {
      const worker = await attack.peer();
      await worker.send(packet(Type.CAN_DO, 'f'));
      await worker.send(packet(Type.PRE_SLEEP));
      const body = Buffer.alloc(128 * 1024 * 1024 - 1);
      const head = request('POST /f HTTP/1.1', 'Host: x', `Content-Length: ${body.length + 1}`);
      const stalled = await attack.peers(2, { on: 'http' });
      for (const peer of stalled)
        void peer.send(Buffer.from(head), body.subarray(0, attack.scaled(body.length)));
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const background = ['Host: x', 'Content-Length: 1', 'X-Gearman-Background: true'];
      const found = await answer(attack, 'http', `${request('POST /f HTTP/1.1', ...background)}x`);
      attack.check(found.startsWith('HTTP/1.1 200'), `another POST got: ${found.slice(0, 80)}`);
    },
  },
  {
    name: 'http-to-gearman',
    about: 'a browser sends text commands in the body of a request to the Gearman port',
    start: { args: [] },
    growthMib: () => 64,
    async play(attack) {
      const peer = await attack.peer();
      const text = request('POST / HTTP/1.1', 'Host: x', 'Content-Length: 22');
      await peer.send(Buffer.from(`${text}create function evil\n`));
      await Promise.race([peer.closed, peer.until('OK')]);
      const other = await attack.peer();
      await other.send(Buffer.from('status\n'));
      const found = await other.until('.\n');
      attack.check(!found.includes('evil'), 'the text command was obeyed');
    },
  },
  {
    name: 'rebinding',
    about: 'a request to the control port whose Host is not the server',
    start: { args: [], listens: ['control'] },
    growthMib: () => 64,
    async play(attack) {
      const stranger = request('GET /metrics HTTP/1.1', 'Host: attacker.example');
      const found = await answer(attack, 'control', stranger);
      attack.check(found.startsWith('HTTP/1.1 421'), `it got: ${found.slice(0, 60)}`);
      const host = `127.0.0.1:${attack.server.ports.control}`;
      const own = await answer(
        attack,
        'control',
        request('GET /metrics HTTP/1.1', `Host: ${host}`),
      );
      attack.check(own.startsWith('HTTP/1.1 200'), `an honest request got: ${own.slice(0, 60)}`);
    },
  },
  {
    name: 'names-in-log',
    about: 'names with escapes, C1 controls and marks that turn the direction of text',
    start: { args: ['--verbose', 'DEBUG', '--allow', 'any=submit:honest'] },
    growthMib: () => 64,
    async play(attack) {
      const evil = Buffer.from('a\x1b[2J\u009b31m\u202eb\nc', 'utf8');
      const peer = await attack.peer();
      await peer.send(packet(Type.SET_CLIENT_ID, evil));
      await peer.send(packet(Type.CAN_DO, evil), packet(Type.SUBMIT_JOB_BG, evil, evil, ''));
      await peer.send(Buffer.concat([evil, Buffer.from('\n')]));
      await Promise.race([peer.barrier(), peer.closed]);
      const log = Buffer.from(attack.server.log, 'latin1').toString('utf8');
      for (const mark of ['\x1b', '\u009b', '\u202e'])
        attack.check(!log.includes(mark), `the log has ${JSON.stringify(mark)}`);
    },
  },
];
