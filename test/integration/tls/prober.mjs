// An honest peer in a process of its own: asks the server again and again, on an old connection, a new one and a new one
// by TLS, and tells its parent the slowest answer of each, in milliseconds, whenever it is asked.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [plain, secure, caFile] = process.argv.slice(2);
const ca = readFileSync(caFile);
const old = connect(Number(plain), '127.0.0.1');
let worst = [0, 0, 0];
let count = 0;

async function ask(socket) {
  socket.write('version\n');
  await once(socket, 'data');
}

async function timed(i, work) {
  const begun = performance.now();
  await work();
  worst[i] = Math.max(worst[i], Math.round(performance.now() - begun));
}

process.on('message', () => {
  process.send({ worst, count });
  worst = [0, 0, 0];
  count = 0;
});
process.on('disconnect', () => process.exit());

for (;;) {
  await timed(0, () => ask(old));
  await timed(1, async () => {
    const fresh = connect(Number(plain), '127.0.0.1');
    await ask(fresh);
    fresh.destroy();
  });
  await timed(2, async () => {
    const fresh = connectTls({
      port: Number(secure),
      host: '127.0.0.1',
      servername: 'localhost',
      ca,
    });
    await ask(fresh);
    fresh.destroy();
  });
  count++;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
