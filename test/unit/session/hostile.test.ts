import { describe, expect, it } from 'vitest';
import { MemoryDialogue } from '../../support/dialogue/memory.ts';
import { handleOf } from '../../support/handles.ts';
import type { OwnThreadOptions } from '../../support/own-thread.ts';
import { rawPacket } from '../../support/packet-text.ts';
import { Random } from '../../support/random.ts';

const HANDLE = /H:t:\d{21,34}/g;
const LINES = [
  'status',
  'prioritystatus',
  'workers',
  'show jobs',
  'show unique jobs',
  'create function f1',
  'drop function f1',
  'drop function f2',
  'maxqueue f1 3',
  'maxqueue f2 1 2 3',
  'maxqueue f1',
  'a b c d e f',
  'rubbish',
];

/** A handle that the peer has heard of, or one that some job may have by now. */
function handle(random: Random, heard: readonly string[]): string {
  if (heard.length > 0 && random.below(4) > 0) return random.pick(heard.slice(-6));
  return handleOf(0, random.between(1, 12), random.between(1, 200));
}

function data(random: Random): Buffer {
  const bytes = random.pick([0, 1, 5, 100, 17_000, 70_000, 200_000]);
  return Buffer.alloc(bytes, random.pick(['a', 'b']));
}

function payload(random: Random, heard: readonly string[]): Buffer {
  const words = [
    () => random.pick(['f1', 'f2', 'f3', '', 'x'.repeat(100)]),
    () => random.pick(['', '-', 'u1', 'u2', 'u'.repeat(64), 'u'.repeat(65)]),
    () => random.pick(['0', '1', '1700000003', '-5', '12345678901', '99999999999999999999', 'red']),
    () => handle(random, heard),
    () => random.pick(['exceptions', 'EXCEPTIONS', 'other']),
  ];
  const count = random.below(6);
  const args = Array.from({ length: count }, () => Buffer.from(`${random.pick(words)()}\0`));
  return Buffer.concat([...args, data(random)]);
}

/** One thing that a peer may send; most of it makes sense. */
function something(random: Random, heard: readonly string[]): Buffer {
  const fn = random.pick(['f1', 'f1', 'f2', 'f3']);
  const unique = random.pick(['', '', '-', 'u1', 'u2']);
  const submit = random.pick([7, 18, 21, 32, 33, 34]);
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
      return rawPacket(submit, Buffer.concat([Buffer.from(`${fn}\0${unique}\0`), data(random)]));
    case 3:
      return rawPacket(36, `${fn}\0${unique}\x00170000000${random.below(9)}\0later`);
    case 4:
      return rawPacket(random.pick([37, 38]), `${fn}\0${unique}\0red\0\0x`);
    case 5:
    case 6:
      return rawPacket(random.pick([9, 30, 39]));
    case 7:
      return rawPacket(1, fn);
    case 8:
      return rawPacket(23, `${fn}\x00${random.pick([0, 1000, 1500])}`);
    case 9:
      return rawPacket(random.pick([2, 2, 3]), fn);
    case 10:
      return rawPacket(4);
    case 11:
    case 12: {
      const body = Buffer.concat([Buffer.from(`${handle(random, heard)}\0`), data(random)]);
      return rawPacket(random.pick([13, 25, 28, 29]), body);
    }
    case 13:
      return rawPacket(random.pick([14, 15]), handle(random, heard));
    case 14:
      return Buffer.from(`${random.pick([...LINES, `cancel job ${handle(random, heard)}`])}\n`);
    default:
      return rawPacket(random.between(0, random.pick([42, 42, 42, 50])), payload(random, heard), {
        magic: random.pick(['\0REQ', '\0REQ', '\0REQ', '\0RES', 'xyz\n']),
      });
  }
}

function play(seed: number, options: OwnThreadOptions): void {
  const random = new Random(seed);
  const dialogue = new MemoryDialogue(options);
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  let generation = 0;
  const heard = new Map<string, string[]>();
  const listen = (name: string): string[] => {
    const told = dialogue.take(name).toString('latin1');
    const handles = [...(heard.get(name) ?? []), ...(told.match(HANDLE) ?? [])];
    heard.set(name, handles);
    return handles;
  };
  for (let step = 0; step < 400; step++) {
    const at = random.below(names.length);
    const name = names[at] as string;
    const isGone = dialogue.thread.reactor.isClosed(dialogue.peer(name).conn);
    if (isGone || random.below(40) === 0) {
      if (random.below(2) === 0 && !isGone)
        dialogue.thread.reactor.socketOf(dialogue.peer(name).conn).reset();
      dialogue.leave(name);
      names[at] = `${name[0]}${++generation}`;
      continue;
    }
    dialogue.push(name, something(random, random.below(3) > 0 ? listen(name) : []));
    if (random.below(3) > 0) dialogue.thread.run();
    if (random.below(10) === 0) dialogue.thread.advance(random.pick([10, 100, 700]));
  }
  dialogue.thread.run();
  dialogue.sweep();
}

describe('whatever peers send, in whatever order,', () => {
  it.each<[string, OwnThreadOptions]>([
    ['as it is by default', {}],
    ['with few functions and attempts', { functionsMax: 2, jobRetries: 2 }],
    ['in the order of 1.1.20', { isPriorityGlobal: false, isRotating: false, wakesPerJob: 2 }],
    ['with little memory', { memoryBytesMax: 1 << 20, jobRetries: 0 }],
    ['with exceptions', { exceptions: true, isPriorityGlobal: false }],
  ])('the books agree and nothing is left behind: %s', (_name, options) => {
    for (let seed = 1; seed <= 12; seed++) {
      try {
        play(seed, options);
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
    expect.hasAssertions();
  });
});
