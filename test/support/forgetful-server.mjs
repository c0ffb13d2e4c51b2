// A job server that is wrong on purpose: every job gets the same handle. Usage: forgetful-server PORT
import { createServer } from 'node:net';

const answers = { 16: 17, 18: 8 };

function reply(type, payload) {
  const head = Buffer.from('\0RES\0\0\0\0\0\0\0\0', 'latin1');
  head.writeUInt32BE(type, 4);
  head.writeUInt32BE(payload.length, 8);
  return Buffer.concat([head, payload]);
}

createServer((socket) => {
  let unread = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    unread = Buffer.concat([unread, bytes]);
    while (unread.length >= 12 && unread.length >= 12 + unread.readUInt32BE(8)) {
      const type = unread.readUInt32BE(4);
      const end = 12 + unread.readUInt32BE(8);
      const payload = type === 16 ? unread.subarray(12, end) : Buffer.from('H:same:1');
      if (answers[type]) socket.write(reply(answers[type], payload));
      unread = unread.subarray(end);
    }
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
