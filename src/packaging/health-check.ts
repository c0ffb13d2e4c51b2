/**
 * `node health-check.js [HOST:PORT]`: exits 0 when a job server answers the text command `version` within 3 seconds,
 * 1 otherwise, with the reason on stderr. Without an argument: port GEARMAND_PORT or 4730 of this machine.
 */
import { connect } from 'node:net';

const PATIENCE_MS = 3_000;
const place = process.argv[2] ?? `127.0.0.1:${process.env.GEARMAND_PORT || '4730'}`;
const colon = place.lastIndexOf(':');
const host = place.slice(0, colon).replace(/^\[|\]$/g, '');
const port = Number(place.slice(colon + 1));

function finish(problem: string | null): never {
  if (problem !== null) process.stderr.write(`health check of ${place}: ${problem}\n`);
  process.exit(problem === null ? 0 : 1);
}

if (!(port > 0 && port < 65_536)) finish('not HOST:PORT');
let answer = '';
const socket = connect({ host, port }, () => socket.write('version\n'));
socket.on('data', (chunk) => {
  answer += chunk;
  if (answer.includes('\n'))
    finish(answer.startsWith('OK ') ? null : `unexpected answer ${answer}`);
});
socket.on('error', (error) => finish(error.message));
socket.on('close', () => finish('closed without an answer'));
setTimeout(() => finish(`no answer within ${PATIENCE_MS} ms`), PATIENCE_MS);
