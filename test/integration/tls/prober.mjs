// An honest peer in a process of its own: asks every listener again and again, on an old connection and on new ones, and
// tells its parent, whenever it is asked, the slowest answer of each in milliseconds, and how often it got none.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [plain, secure, http, control] = process.argv.slice(2, 6).map(Number);
const ca = readFileSync(process.argv[6]);
const host = '127.0.0.1';
const old = connect(plain, host);

/** Sends `text` and waits for the first bytes of the answer. Rejects when the connection ends before. */
async function ask(socket, text) {
  socket.write(text);
  const ended = once(socket, 'close').then(() => Promise.reject(new Error('closed')));
  ended.catch(() => {});
  await Promise.race([once(socket, 'data'), ended]);
}

async function askAnew(socket, text) {
  socket.on('error', () => {});
  try {
    await ask(socket, text);
  } finally {
    socket.destroy();
  }
}

const request = (line) => `${line} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const questions = {
  'plain, old': () => ask(old, 'version\n'),
  'plain, new': () => askAnew(connect(plain, host), 'version\n'),
  TLS: () => askAnew(connectTls({ port: secure, host, servername: 'localhost', ca }), 'version\n'),
  // No job: what it asks for is refused with an answer.
  HTTP: () => askAnew(connect(http, host), request('DELETE /f')),
  control: () => askAnew(connect(control, host), request('GET /healthz')),
};

const empty = () => Object.fromEntries(Object.keys(questions).map((name) => [name, 0]));
let worst = empty();
let unanswered = empty();
let count = 0;

process.on('message', () => {
  process.send({ worst, unanswered, count });
  worst = empty();
  unanswered = empty();
  count = 0;
});
process.on('disconnect', () => process.exit());

for (;;) {
  for (const [name, question] of Object.entries(questions)) {
    const begun = performance.now();
    try {
      await question();
      worst[name] = Math.max(worst[name], Math.round(performance.now() - begun));
    } catch {
      unanswered[name]++;
    }
  }
  count++;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
