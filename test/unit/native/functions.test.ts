/** The addon's free functions, and the choice between addon and TypeScript core. */
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { addonFunctions } from '../../../src/native/addon.ts';
import { loadNative } from '../../../src/native/load.ts';
import { describeAddon, openDescriptors } from './support.ts';

it('picks the TypeScript core when it is asked to, and says so', () => {
  const before = process.env.GEARTRAIN_NATIVE;
  process.env.GEARTRAIN_NATIVE = '0';
  try {
    const { kind, reason, createReactor } = loadNative();
    expect([kind, reason, createReactor]).toEqual(['twin', 'GEARTRAIN_NATIVE=0', null]);
    expect(loadNative('off').kind).toBe('twin');
  } finally {
    if (before === undefined) delete process.env.GEARTRAIN_NATIVE;
    else process.env.GEARTRAIN_NATIVE = before;
  }
});

describeAddon("the addon's functions", () => {
  it('gives pages back, and leaves zeros there and nothing changed beside', () => {
    const all = new Uint8Array(1 << 20).fill(7);
    addonFunctions().discard(all.subarray(1000, 500_001));
    expect(all.subarray(0, 1000).every((byte) => byte === 7)).toBe(true);
    expect(all.subarray(1000, 500_001).every((byte) => byte === 0)).toBe(true);
    expect(all.subarray(500_001).every((byte) => byte === 7)).toBe(true);
  });

  it('zeroes less than a page, and takes nothing at all', () => {
    const all = new Uint8Array(8192).fill(7);
    addonFunctions().discard(all.subarray(10, 20));
    addonFunctions().discard(all.subarray(10, 10));
    expect(all.reduce((sum, byte) => sum + byte, 0)).toBe(7 * 8182);
  });

  it('returns memory to the system', () => {
    const bytes = new Uint8Array(64 << 20).fill(1);
    const before = process.memoryUsage().rss;
    addonFunctions().discard(bytes);
    expect(before - process.memoryUsage().rss).toBeGreaterThan(48 << 20);
    expect(bytes[1 << 20]).toBe(0);
  });

  it('makes and closes doorbells, and rings them without waiting', () => {
    const before = openDescriptors();
    const bell = addonFunctions().doorbellCreate();
    for (let i = 0; i < 1000; i++) addonFunctions().doorbellRing(bell);
    expect(openDescriptors()).toBe(before + 1);
    addonFunctions().doorbellClose(bell);
    expect(openDescriptors()).toBe(before);
  });

  it('makes two sockets that are connected', async () => {
    const [left, right] = addonFunctions().socketPair();
    const sockets = [left, right].map((fd) => new Socket({ fd, readable: true, writable: true }));
    sockets[0]?.end('ping');
    const chunks: Buffer[] = await (sockets[1] as Socket).toArray();
    expect(Buffer.concat(chunks).toString()).toBe('ping');
    for (const socket of sockets) socket.destroy();
  });

  it('refuses a file limit that the system does not allow', () => {
    expect(() => addonFunctions().setFileLimit(2 ** 40)).toThrow(
      expect.objectContaining({ code: 'EPERM', syscall: 'setrlimit' }),
    );
  });

  it('writes to syslog whether or not somebody listens', () => {
    addonFunctions().syslogOpen('geartrain-test');
    addonFunctions().syslog(7, 'percent %s %n is no format');
  });
});
