/**
 * The decoder of the addon beside the TypeScript one: nanoseconds a frame, for batches of one read with so many frames of one
 * kind. Runs the built output: `npx tsc && node bench/micro/protocol/decoder.bench.mjs [frames ...]`.
 */

import { Bench } from 'tinybench';
import { loadNative } from '../../../dist/native/load.js';
import { PACKET_BYTES_DEFAULT, READ_BYTES } from '../../../dist/protocol/limits.js';
import { Packet } from '../../../dist/protocol/packets.js';
import { createDecoder as createTypescriptDecoder } from '../../../dist/transport/socketless-decoder.js';

const HASH_SEED = 4711;
/** Calls a benched function makes; a clock read costs as much as a small call. */
const CALLS = 100;

function frame(type, ...parts) {
  const payload = Buffer.from(parts.join('\0'), 'latin1');
  const head = Buffer.from('\0REQ\0\0\0\0\0\0\0\0', 'latin1');
  head.writeUInt32BE(type, 4);
  head.writeUInt32BE(payload.length, 8);
  return Buffer.concat([head, payload]);
}

const workload = 'x'.repeat(64);
const unique = '0123abcd-4567-89ab-cdef-0123456789ab';
const kinds = {
  'submit, 64 bytes': frame(Packet.SUBMIT_JOB_BG, 'resize', '', workload),
  'submit, unique': frame(Packet.SUBMIT_JOB_BG, 'resize', unique, workload),
  'result, 64 bytes': frame(Packet.WORK_COMPLETE, 'H:host:21830000000100005678123456', workload),
  grab: frame(Packet.GRAB_JOB_ALL),
};

async function decoders() {
  const all = { typescript: createTypescriptDecoder(HASH_SEED, PACKET_BYTES_DEFAULT) };
  const { kind, reason } = loadNative();
  if (kind === 'twin') {
    console.log(`without the addon: ${reason}`);
    return all;
  }
  const { createDecoder } = await import('../../../dist/native/addon.js');
  return { addon: createDecoder(HASH_SEED, PACKET_BYTES_DEFAULT), ...all };
}

/** Frames that one read brings: as many as asked for, while a read holds them. */
function batchOf(bytes, count) {
  const fit = Math.min(count, Math.floor(READ_BYTES / bytes.length));
  return { bytes: Buffer.concat(Array(fit).fill(bytes)), count: fit };
}

const counts = process.argv.slice(2).map(Number);
const all = await decoders();
for (const [kind, bytes] of Object.entries(kinds)) {
  for (const wanted of counts.length > 0 ? counts : [1, 8, 64, 512]) {
    const batch = batchOf(bytes, wanted);
    const bench = new Bench({ time: 300, warmupTime: 100 });
    for (const [name, decoder] of Object.entries(all)) {
      const rows = decoder.feed(batch.bytes);
      if (rows !== batch.count) throw new Error(`${name}: ${rows} rows of ${batch.count} frames`);
      bench.add(name, () => {
        for (let i = 0; i < CALLS; i++) decoder.feed(batch.bytes);
      });
    }
    await bench.run();
    const each = bench.tasks.map(({ name, result }) => {
      const ns = (result.latency.p50 * 1e6) / (CALLS * batch.count);
      return `${name} ${ns.toFixed(1).padStart(6)} ns`;
    });
    console.log(`${kind.padEnd(17)} ${String(batch.count).padStart(4)} a read: ${each.join('  ')}`);
  }
}
