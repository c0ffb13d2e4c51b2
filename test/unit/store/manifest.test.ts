/** The file that says which versions can read a state directory. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readManifest, writeManifest } from '../../../src/store/manifest.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'geartrain-manifest-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const facts = { generation: 3, shards: 2, hashSeed: 17, salt: 99, boot: 5 };
const path = () => join(folder, 'manifest.json');

it.each([1, 2] as const)('keeps format %i', (format) => {
  writeManifest(folder, { format, ...facts });
  expect(JSON.parse(readFileSync(path(), 'utf8'))).toEqual({ format, ...facts });
  expect(readManifest(folder)).toEqual({ format, ...facts });
});

it.each([0, 3, '1', null, undefined])(
  'is refused with format %s, which says what is read',
  (format) => {
    writeFileSync(path(), JSON.stringify({ format, ...facts }));
    expect(() => readManifest(folder)).toThrow(
      `option --state-dir: read ${path()}: its format is ${format}, this version reads 1 and 2`,
    );
  },
);

it('is refused when a number is missing', () => {
  writeFileSync(path(), JSON.stringify({ format: 2, ...facts, salt: undefined }));
  expect(() => readManifest(folder)).toThrow(/is damaged: salt is undefined/);
});
