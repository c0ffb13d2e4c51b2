/** Disks of the addon: what is written where, how a failure is told, and how the thread stands to others. */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import type { Disk } from '../../../src/native/contract.ts';
import { openDisk } from '../../../src/native/disk.ts';
import { onlyWhere } from '../../support/peers.ts';
import { describeAddon, nextPass, startEndingWorker, startWorker } from './support.ts';

const hasFull = onlyWhere(existsSync('/dev/full'), 'there is no /dev/full');

/** Field 41 of /proc/PID/stat, as in sched(7). */
const SCHED_BATCH = 3;

const tidying: (() => void)[] = [];
afterEach(() => {
  for (const tidy of tidying.splice(0).reverse()) tidy();
});

function open(): Disk {
  const disk = openDisk();
  tidying.push(() => disk.close());
  return disk;
}

/** A new file: its path and its descriptor. */
function makeFile(flags = 'w+'): { path: string; fd: number } {
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-disk-'));
  const path = join(folder, 'file');
  closeSync(openSync(path, 'w'));
  const fd = openSync(path, flags);
  tidying.push(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  return { path, fd };
}

const write = (disk: Disk, fd: number, pieces: Uint8Array[], at: number, isSynced = false) =>
  new Promise<Error | null>((resolve) => disk.write(fd, pieces, at, isSynced, resolve));

/** Threads of this process that are disks, with their scheduling policies. */
function diskThreads(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
    if (!stat.includes('(geartrain-disk)')) return [];
    // The name may have blanks: what follows it begins with field 3.
    return [Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[41 - 3])];
  });
}

describeAddon('a disk', () => {
  it.each([false, true])(
    'writes all pieces behind each other at their offset (durable: %s)',
    async (isSynced) => {
      const { path, fd } = makeFile();
      const large = new Uint8Array(3_000_000).fill(7);
      const pieces = [Buffer.from('ab'), new Uint8Array(0), large, Buffer.from('yz')];
      expect(await write(open(), fd, pieces, 5, isSynced)).toBeNull();
      const wanted = Buffer.concat([Buffer.alloc(5), ...pieces]);
      expect(readFileSync(path).equals(wanted)).toBe(true);
    },
  );

  it('writes a part of an array where it begins', async () => {
    const { path, fd } = makeFile();
    expect(await write(open(), fd, [Buffer.from('0123456789').subarray(3, 6)], 0)).toBeNull();
    expect(readFileSync(path, 'latin1')).toBe('345');
  });

  it('makes durable without writing, and tells everything in its order', async () => {
    const { path, fd } = makeFile();
    const disk = open();
    const told: number[] = [];
    const last = new Promise<void>((resolve) => {
      for (let i = 0; i < 200; i++) {
        const pieces = i % 3 === 0 ? [] : [Buffer.from(`${i} `)];
        disk.write(fd, pieces, 4 * i, i % 10 === 0, (error) => {
          expect(error).toBeNull();
          if (told.push(i) === 200) resolve();
        });
      }
    });
    expect(told).toEqual([]);
    await last;
    expect(told).toEqual(Array.from({ length: 200 }, (_, i) => i));
    const text = readFileSync(path, 'latin1');
    for (const i of [1, 98, 199])
      expect(text.slice(4 * i, 4 * i + 2)).toBe(`${i}`.padEnd(2).slice(0, 2));
  });

  it('tells what the system says when it does not write, and goes on', async () => {
    const { fd } = makeFile('r');
    const disk = open();
    const error = await write(disk, fd, [Buffer.from('x')], 0);
    expect(error).toMatchObject({ code: 'EBADF', syscall: 'write' });
    expect(await write(disk, 999_999, [], 0, true)).toMatchObject({ code: 'EBADF' });
    expect(await write(disk, fd, [], 0, true)).toBeNull();
  });

  it.skipIf(!hasFull)('tells of a full disk', async () => {
    const fd = openSync('/dev/full', 'w');
    tidying.push(() => closeSync(fd));
    expect(await write(open(), fd, [Buffer.from('x')], 0)).toMatchObject({ code: 'ENOSPC' });
  });

  it('has a thread of its own that gives way, until it is closed', async () => {
    const before = diskThreads().length;
    const disk = openDisk();
    const { fd } = makeFile();
    for (let i = 0; i < 5; i++) await write(disk, fd, [Buffer.from('x')], i, true);
    const givingWay = Array(before + 1).fill(SCHED_BATCH);
    await vi.waitFor(() => expect(diskThreads()).toEqual(givingWay));
    let isUnderWay = true;
    const large = write(disk, fd, [Buffer.alloc(2 ** 26)], 0, true).then(() => {
      isUnderWay = false;
    });
    for (; isUnderWay; await nextPass()) expect(diskThreads()).toEqual(givingWay);
    await large;
    disk.close();
    disk.close();
    expect(diskThreads().length).toBe(before);
    // What comes too late is not written, and nobody hears of it.
    disk.write(fd, [Buffer.from('late')], 0, false, () => expect.unreachable());
    await nextPass();
  });

  it('keeps its thread alive while something is under way, and not otherwise', async () => {
    const { path } = makeFile();
    const { exited } = await startEndingWorker('disk', { path, orders: 50 });
    expect(await exited).toBe(0);
    expect(readFileSync(path, 'latin1')).toBe('x'.repeat(50));
  });

  it('does what it was given, and ends, when its thread is terminated', async () => {
    const before = diskThreads().length;
    for (let i = 0; i < 10; i++) {
      const { path } = makeFile();
      const worker = await startWorker('disk', { path, orders: 400 });
      if (i % 2 === 0) await nextPass();
      await worker.terminate();
      expect(readFileSync(path, 'latin1')).toBe('x'.repeat(400));
    }
    expect(diskThreads().length).toBe(before);
  });
});
