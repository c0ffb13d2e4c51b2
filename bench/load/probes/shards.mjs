// Function names that fall on different shards of a running geartrain. The hash of names is seeded
// per process, so the only way is to ask: a handle says its shard: the digits 11 and 12 after its
// prefix, or in older builds PREFIX:BOOT.SHARD.SLOT.SERIAL.
// Rule: every job made here is cancelled before the trial begins.
import { connect } from 'node:net';

const submitBackground = 18;
const jobCreated = 8;

function request(type, payload) {
  const head = Buffer.from('\0REQ\0\0\0\0\0\0\0\0', 'latin1');
  head.writeUInt32BE(type, 4);
  head.writeUInt32BE(payload.length, 8);
  return Buffer.concat([head, Buffer.from(payload, 'latin1')]);
}

/** Sends and waits until `isWhole(answer)`; the answer is latin1 text. */
function ask(socket, bytes, isWhole) {
  return new Promise((resolve, reject) => {
    let answer = '';
    const onData = (text) => {
      answer += text;
      if (!isWhole(answer)) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      resolve(answer);
    };
    const onClose = () => reject(new Error('the server closed while it was asked for its shards'));
    socket.on('data', onData);
    socket.on('close', onClose);
    socket.write(bytes);
  });
}

async function shardOf(socket, name) {
  const isFrame = (text) =>
    text.length >= 12 && text.length >= 12 + Buffer.from(text, 'latin1').readUInt32BE(8);
  const answer = await ask(socket, request(submitBackground, `${name}\0\0`), isFrame);
  if (Buffer.from(answer, 'latin1').readUInt32BE(4) !== jobCreated) {
    throw new Error('a background job was refused');
  }
  const handle = answer.slice(12);
  const digits = /:\d{10}(\d\d)\d{9,}$/.exec(handle) ?? /\.(\w+)\.\w+\.\w+$/.exec(handle);
  if (!digits) throw new Error(`handle ${handle} does not say its shard`);
  await ask(socket, `cancel job ${handle}\r\n`, (text) => text.endsWith('\n'));
  return digits[1];
}

/** Names by the shard that they fall on: a list of lists, each shard's names in the order tried. */
async function namesByShard(host, port, count = 64) {
  const socket = connect(port, host).setEncoding('latin1').setNoDelay(true);
  try {
    const byShard = new Map();
    for (let i = 0; i < count; i++) {
      const name = `bench${i}`;
      const shard = await shardOf(socket, name);
      byShard.set(shard, [...(byShard.get(shard) ?? []), name]);
    }
    return [...byShard.values()];
  } finally {
    socket.destroy();
  }
}

/**
 * Options for each load generator of a trial on shards. `isOneEach`: one generator a shard, whose
 * function falls on it. `client`: one generator, whose clients live `near` its function or `far`.
 */
export async function optionsByShard(host, port, { isOneEach, client }) {
  const shards = await namesByShard(host, port);
  if (isOneEach) return shards.map(([name]) => ({ 'function-names': name }));
  const home = client === 'far' ? shards[1]?.[0] : shards[0][1];
  if (home === undefined) throw new Error('this server has too few shards');
  return [{ 'function-names': shards[0][0], 'client-home': home }];
}
