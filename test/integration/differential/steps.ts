/**
 * Random dialogues: a seed becomes a list of steps. A step only says who does what kind of thing, with a few random
 * numbers; what exactly is sent is decided when it is played (resolve.ts). Rule: a step means something in every
 * state, so that any step may be left away when a failing dialogue is made small.
 */
import { Random } from '../../support/random.ts';

export type Op =
  | 'submit'
  | 'submitEpoch'
  | 'submitReduce'
  | 'canDo'
  | 'canDoTimeout'
  | 'cantDo'
  | 'resetAbilities'
  | 'preSleep'
  | 'grab'
  | 'work'
  | 'exception'
  | 'getStatus'
  | 'getStatusUnique'
  | 'option'
  | 'clientId'
  | 'echo'
  | 'unexpected'
  | 'resMagic'
  | 'list'
  | 'oddText'
  | 'cancel'
  | 'maxqueue'
  | 'createFunction'
  | 'dropFunction'
  | 'disconnect'
  | 'closingInput'
  | 'burst'
  | 'drain';

export interface Step {
  readonly op: Op;
  /** Which connection acts: an index into the plan's slots. */
  readonly slot: number;
  /** Random 32-bit numbers that decide the details. */
  readonly n: readonly number[];
}

export interface Plan {
  readonly seed: number;
  /** Names of the connections: client1, client2, ..., worker1, ... */
  readonly slots: readonly string[];
  readonly functionCount: number;
  readonly steps: readonly Step[];
}

const CLIENT: readonly (readonly [number, Op])[] = [
  [30, 'submit'],
  [3, 'submitEpoch'],
  [4, 'submitReduce'],
  [6, 'getStatus'],
  [5, 'getStatusUnique'],
  [6, 'option'],
  [10, 'list'],
  [3, 'oddText'],
  [3, 'cancel'],
  [2, 'maxqueue'],
  [2, 'createFunction'],
  [2, 'dropFunction'],
  [3, 'disconnect'],
  [6, 'burst'],
];

const WORKER: readonly (readonly [number, Op])[] = [
  [14, 'canDo'],
  [3, 'canDoTimeout'],
  [3, 'cantDo'],
  [1, 'resetAbilities'],
  [12, 'preSleep'],
  [30, 'grab'],
  [30, 'work'],
  [5, 'exception'],
  [3, 'clientId'],
  [3, 'disconnect'],
  [4, 'burst'],
];

const ANYBODY: readonly (readonly [number, Op])[] = [
  [4, 'echo'],
  [4, 'unexpected'],
  [3, 'resMagic'],
  [1, 'closingInput'],
  [2, 'option'],
  [2, 'clientId'],
  [4, 'list'],
  [2, 'submit'],
  [2, 'grab'],
  [2, 'canDo'],
  [1, 'preSleep'],
];

/** The dialogue of a seed: 2-4 clients, 2-3 workers, `stepCount` steps and a final drain of every function. */
export function planOf(seed: number, stepCount: number): Plan {
  const random = new Random(seed);
  const clients = random.between(2, 4);
  const workers = random.between(2, 3);
  const slots = [
    ...Array.from({ length: clients }, (_, i) => `client${i + 1}`),
    ...Array.from({ length: workers }, (_, i) => `worker${i + 1}`),
  ];
  const functionCount = random.between(2, 4);
  const steps: Step[] = [];
  const numbers = (): number[] => Array.from({ length: 8 }, () => random.next());
  while (steps.length < stepCount) {
    const slot = random.below(slots.length);
    const own = slot < clients ? CLIENT : WORKER;
    // One in ten does what the other side usually does: connections have no role.
    const role = random.oneIn(10) ? (own === CLIENT ? WORKER : CLIENT) : own;
    const op = random.weighted(random.oneIn(8) ? ANYBODY : role);
    steps.push({ op, slot, n: numbers() });
  }
  for (let i = 0; i < functionCount; i++) steps.push({ op: 'drain', slot: clients, n: [i] });
  return { seed, slots, functionCount, steps };
}
