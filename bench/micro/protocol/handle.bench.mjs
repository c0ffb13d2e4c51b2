/**
 * Job handles: nanoseconds to encode and write one, and to read one, for young and old serial numbers. Runs the built
 * output; `npx tsc && node bench/micro/protocol/handle.bench.mjs [DIST]`, where DIST is the `dist/` of another build.
 */
import { resolve } from 'node:path';
import { Bench } from 'tinybench';

const dist = resolve(process.argv[2] ?? new URL('../../../dist', import.meta.url).pathname);
const { HandleCodec } = await import(`${dist}/protocol/handle.js`);
const { withView } = await import(`${dist}/base/bytes.js`);

/** Calls a benched function makes; a clock read costs as much as a small call. */
const CALLS = 1000;
const BOOT = 2_183_000_000;
const cases = { young: [17, 4_711], busy: [54_321, 123_456_789], old: [4_000_000, 54_321_098_765] };

const codec = new HandleCodec('H:worker-7f9c', BOOT, 2);
const bench = new Bench({ time: 300, warmupTime: 100 });
for (const [name, [slot, serial]] of Object.entries(cases)) {
  const target = withView(new Uint8Array(128));
  const bytes = withView(new Uint8Array(128));
  codec.encode(slot, serial);
  const end = codec.write(bytes, 0);
  bench.add(`${name}: encode and write`, () => {
    for (let i = 0; i < CALLS; i++) {
      codec.encode(slot + i, serial + i);
      codec.write(target, 12);
    }
  });
  bench.add(`${name}: parse`, () => {
    for (let i = 0; i < CALLS; i++) if (!codec.parse(bytes, 0, end)) throw new Error('not read');
  });
}
await bench.run();
for (const { name, result } of bench.tasks) {
  const ns = (result.latency.p50 * 1e6) / CALLS;
  console.log(`${name.padEnd(24)} ${ns.toFixed(1).padStart(6)} ns`);
}
