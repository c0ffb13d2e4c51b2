// An honest peer in a process of its own, which the attacker's work does not delay: an ECHO every few milliseconds on
// one connection. Tells its parent, whenever it is asked, the longest wait in milliseconds since then, also of the one
// that is under way, and whether its connection was closed.
import { connect } from 'node:net';
import { setPriority } from 'node:os';

const PAUSE_MS = 3;
try {
  setPriority(-10);
} catch {
  // An ordinary user measures with what it has.
}

const echo = Buffer.from('\0REQ\0\0\0\x10\0\0\0\x04echo', 'latin1');
const socket = connect(Number(process.argv[2]), '127.0.0.1', () => process.send?.('ready'));
let askedAt = 0;
let longest = 0;
let count = 0;
let awaited = 0;
let isClosed = false;

function ask() {
  askedAt = performance.now();
  awaited = echo.length;
  socket.write(echo);
}

socket.setNoDelay(true);
socket.on('error', () => {});
socket.on('close', () => {
  isClosed = true;
});
socket.on('data', (bytes) => {
  awaited -= bytes.length;
  if (awaited > 0) return;
  longest = Math.max(longest, performance.now() - askedAt);
  askedAt = 0;
  count++;
  setTimeout(ask, PAUSE_MS);
});
socket.once('connect', ask);

process.on('message', () => {
  const waiting = askedAt === 0 ? 0 : performance.now() - askedAt;
  process.send?.({ longestMs: Math.max(longest, waiting), count, isClosed });
  longest = 0;
  count = 0;
});
process.on('disconnect', () => process.exit());
