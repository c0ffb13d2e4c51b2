/**
 * A file system in memory for the journal: written data is in the cache until it is synced, names are durable when
 * their folder is, and a power loss keeps a random part of the rest, cut at sectors. Faults are injected by name.
 * Rule: nothing happens by itself; the owner runs pending operations, one after the other.
 */
import type { Done, FileSystem } from '../../src/store/file-system.ts';
import type { Random } from './random.ts';

const SECTOR_BYTES = 512;

interface Write {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Contents of one file: as the running system sees them, and as they survive. */
interface Node {
  bytes: Uint8Array;
  durable: Uint8Array;
  unsynced: Write[];
}

type Names = Map<string, Node>;

export type Operation = 'open' | 'read' | 'write' | 'sync' | 'syncFolder' | 'rename' | 'remove';

/** Returns the error with which an operation fails, or null; `path` is that of its file. */
export type Fault = (operation: Operation, path: string) => Error | null;

export class MemoryFiles implements FileSystem {
  #names: Names = new Map();
  #durableNames: Names = new Map();
  /** Changes of names that are not durable, oldest first. */
  #nameChanges: ((names: Names) => void)[] = [];
  #open = new Map<number, { readonly path: string; readonly node: Node }>();
  #lastFile = 2;
  readonly #underWay: (() => void)[] = [];
  /** Bytes that fit. */
  capacity = Number.POSITIVE_INFINITY;
  fault: Fault = () => null;
  /** Operations that change something, in all. */
  changes = 0;

  get isIdle(): boolean {
    return this.#underWay.length === 0;
  }

  get openFiles(): number {
    return this.#open.size;
  }

  /** Carries out the next operation. */
  step(): void {
    this.#underWay.shift()?.();
  }

  /** Carries out all operations, also those that they lead to. */
  run(): void {
    while (!this.isIdle) this.step();
  }

  /** The process has ended: nothing is pending or open; its writes are kept. */
  kill(): void {
    this.#underWay.length = 0;
    this.#open.clear();
  }

  /** A power loss: unsynced data is kept in part. */
  losePower(random: Random): void {
    this.kill();
    const kept = random.below(this.#nameChanges.length + 1);
    for (const change of this.#nameChanges.splice(0).slice(0, kept)) change(this.#durableNames);
    this.#names = new Map(this.#durableNames);
    for (const node of new Set(this.#names.values())) {
      for (const { at, bytes } of node.unsynced.splice(0))
        for (let from = 0; from < bytes.length; from += SECTOR_BYTES) {
          if (random.oneIn(2)) continue;
          put(node, 'durable', bytes.subarray(from, from + SECTOR_BYTES), at + from);
        }
      node.bytes = node.durable.slice();
    }
  }

  /** The bytes of a file, to be read or damaged in place. */
  contents(path: string): Uint8Array {
    return this.#at(path).bytes;
  }

  /** Puts a file there, durable. */
  place(path: string, bytes: Uint8Array): void {
    const node = { bytes: bytes.slice(), durable: bytes.slice(), unsynced: [] };
    this.#names.set(path, node);
    this.#durableNames.set(path, node);
  }

  get paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  makeFolder(): void {}

  list(path: string): string[] {
    return this.paths
      .filter((name) => name.startsWith(`${path}/`))
      .map((name) => name.slice(path.length + 1));
  }

  byteCount(path: string): number {
    return this.#at(path).bytes.length;
  }

  readAll(path: string, bytes: Uint8Array): void {
    bytes.set(this.#at(path).bytes);
  }

  mend(path: string, bytes: Uint8Array, at: number): void {
    const node = this.#at(path);
    put(node, 'bytes', bytes, at);
    node.durable = node.bytes.slice();
    node.unsynced = [];
  }

  open(path: string, isNew: boolean, done: (error: Error | null, file: number) => void): void {
    this.#later('open', path, (error) => {
      if (error !== null) return done(error, -1);
      if (isNew) {
        const node: Node = { bytes: new Uint8Array(0), durable: new Uint8Array(0), unsynced: [] };
        this.#rename((names) => names.set(path, node));
      }
      const file = ++this.#lastFile;
      this.#open.set(file, { path, node: this.#at(path) });
      done(null, file);
    });
  }

  close(file: number, done: Done): void {
    this.#underWay.push(() => {
      if (!this.#open.delete(file)) throw new Error(`close ${file}: it is not open`);
      done(null);
    });
  }

  read(
    file: number,
    bytes: Uint8Array,
    at: number,
    done: (error: Error | null, count: number) => void,
  ): void {
    const { path, node } = this.#file(file);
    this.#later('read', path, (error) => {
      const part = node.bytes.subarray(at, at + bytes.length);
      if (error === null) bytes.set(part);
      done(error, part.length);
    });
  }

  write(file: number, pieces: readonly Uint8Array[], at: number, done: Done): void {
    const { path, node } = this.#file(file);
    this.#later('write', path, (error) => {
      if (error !== null) return done(error);
      const bytes = Buffer.concat(pieces);
      const grows = Math.max(0, at + bytes.length - node.bytes.length);
      if (this.#used() + grows > this.capacity) return done(systemError('ENOSPC'));
      this.changes++;
      put(node, 'bytes', bytes, at);
      node.unsynced.push({ at, bytes });
      done(null);
    });
  }

  sync(file: number, done: Done): void {
    const { path, node } = this.#file(file);
    this.#later('sync', path, (error) => {
      if (error !== null) return done(error);
      this.changes++;
      node.durable = node.bytes.slice();
      node.unsynced = [];
      done(null);
    });
  }

  commit(file: number, pieces: readonly Uint8Array[], at: number, done: Done): void {
    this.write(file, pieces, at, (error) => {
      if (error === null) this.sync(file, done);
      else done(error);
    });
  }

  end(): void {
    if (!this.isIdle) throw new Error('end: something is under way');
  }

  syncFolder(path: string, done: Done): void {
    this.#later('syncFolder', path, (error) => {
      if (error !== null) return done(error);
      this.changes++;
      for (const change of this.#nameChanges.splice(0)) change(this.#durableNames);
      done(null);
    });
  }

  rename(from: string, to: string, done: Done): void {
    this.#later('rename', from, (error) => {
      if (error === null)
        this.#rename((names) => {
          const node = names.get(from);
          if (node === undefined) return;
          names.set(to, node);
          names.delete(from);
        });
      done(error);
    });
  }

  remove(path: string, done: Done): void {
    this.#later('remove', path, (error) => {
      if (error === null) this.#rename((names) => names.delete(path));
      done(error);
    });
  }

  #rename(change: (names: Names) => void): void {
    this.changes++;
    change(this.#names);
    this.#nameChanges.push(change);
  }

  #later(operation: Operation, path: string, run: (error: Error | null) => void): void {
    this.#underWay.push(() => run(this.fault(operation, path)));
  }

  #used(): number {
    return [...this.#names.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  #at(path: string): Node {
    const node = this.#names.get(path);
    if (node === undefined) throw systemError('ENOENT', path);
    return node;
  }

  #file(file: number): { readonly path: string; readonly node: Node } {
    const open = this.#open.get(file);
    if (open === undefined) throw new Error(`use ${file}: it is not open`);
    return open;
  }
}

export function systemError(code: string, what = 'write'): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

function put(node: Node, which: 'bytes' | 'durable', bytes: Uint8Array, at: number): void {
  if (node[which].length < at + bytes.length) {
    const longer = new Uint8Array(at + bytes.length);
    longer.set(node[which]);
    node[which] = longer;
  }
  node[which].set(bytes, at);
}
