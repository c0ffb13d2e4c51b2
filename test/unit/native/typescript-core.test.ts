import { closeSync, fstatSync, openSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { typescriptFunctions } from '../../../src/native/typescript-core.ts';

describe("the TypeScript core's free functions", () => {
  test('close a descriptor', () => {
    const fd = openSync('/dev/null', 'r');
    typescriptFunctions.closeDescriptor(fd);
    expect(() => fstatSync(fd)).toThrow('EBADF');
    expect(() => closeSync(fd)).toThrow('EBADF');
  });

  test('leave bytes as they are when they are discarded', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    typescriptFunctions.discard(bytes);
    expect([...bytes]).toEqual([1, 2, 3]);
  });

  test.each([
    ['doorbellCreate', () => typescriptFunctions.doorbellCreate()],
    ['doorbellRing', () => typescriptFunctions.doorbellRing(1)],
    ['doorbellClose', () => typescriptFunctions.doorbellClose(1)],
    ['socketPair', () => typescriptFunctions.socketPair()],
    ['setFileLimit', () => typescriptFunctions.setFileLimit(10)],
    ['syslogOpen', () => typescriptFunctions.syslogOpen('x')],
    ['syslog', () => typescriptFunctions.syslog(6, 'x')],
  ])('%s says that it needs the addon', (_name, call) => {
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_GEARTRAIN_NO_ADDON' }));
  });
});
