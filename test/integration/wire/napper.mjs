/**
 * A worker in a process of its own that goes to sleep and can be stopped: `node napper.mjs PORT FUNCTION`. Prints a
 * line when the server has taken its PRE_SLEEP.
 */
import { connect } from 'node:net';

const [port, name] = process.argv.slice(2);
const packet = (type, payload) => {
  const bytes = Buffer.alloc(12 + Buffer.byteLength(payload));
  bytes.write('\0REQ', 'latin1');
  bytes.writeUInt32BE(type, 4);
  bytes.writeUInt32BE(bytes.length - 12, 8);
  bytes.write(payload, 12);
  return bytes;
};
const socket = connect(Number(port), '127.0.0.1', () => {
  socket.write(Buffer.concat([packet(1, name), packet(4, ''), packet(16, 'asleep')]));
});
socket.once('data', () => console.log('asleep'));
