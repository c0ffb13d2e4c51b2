/**
 * What one simulation is like, drawn from its seed alone: shape of the server, options, who connects, what goes wrong.
 */
import { Random } from '../support/random.ts';

export interface Plan {
  readonly seed: number;
  /** 0: one thread without rings. */
  readonly shardCount: number;
  /** Like the addon: connections move to a shard. Else, like the TypeScript core, all live in thread 0. */
  readonly movesConnections: boolean;
  readonly ringBytes: number;
  /** Where the rings' byte indexes begin: some near the wrap at 2^32. */
  readonly ringStart: number;
  readonly hashSeed: number;
  readonly isPriorityGlobal: boolean;
  readonly isRotating: boolean;
  readonly wakesPerJob: number;
  readonly wakeupDelayMs: number;
  readonly jobRetries: number;
  readonly exceptions: boolean;
  /** --max-memory in bytes, 0 = none. */
  readonly memoryBytesMax: number;
  /** --dead-memory in bytes, 0 = none. */
  readonly deadBytesMax: number;
  readonly outputPauseBytes: number;
  /** Unsent output above it costs a peer its connection. */
  readonly outputBytesMax: number;
  /** What a peer's socket takes before it reads. */
  readonly windowBytes: number;
  readonly functionNames: readonly string[];
  readonly clientsMax: number;
  readonly workersMax: number;
  readonly steps: number;
  /** Steps at which a shard is killed. */
  readonly kills: ReadonlySet<number>;
  /** Step at which somebody asks thousands of questions at once; 0 = never. */
  readonly floodStep: number;
  readonly stepsWallClock: boolean;
  /** How eagerly each thread gets its turn; a slow one lags behind the others. */
  readonly threadWeights: readonly number[];
  /** One in so many workloads and results is big. */
  readonly bigOneIn: number;
  /** Workers of more functions are many-function peers (waking.ts). */
  readonly fewFunctionsMax: number;
  /** Background jobs go through a journal whose disk is as slow as the simulation likes. */
  readonly hasStore: boolean;
  readonly isRelaxed: boolean;
  /** Shards that are killed while their disk is at work. */
  readonly diskKills: number;
  /** Policies that the options give to functions. */
  readonly policies: readonly string[];
  /** Operators pause, drain and change functions. */
  readonly hasOperators: boolean;
}

/** Names that hash to different shards under different seeds. */
const NAMES = ['resize', 'mail', 'count', 'wc', 'reverse', 'index', 'a', 'sum'];

export function planOf(seed: number, steps: number): Plan {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ 0x51ed270b);
  const shardCount = random.weighted([
    [2, 0],
    [2, 1],
    [4, 2],
    [3, 4],
  ] as const);
  const kills = new Set<number>();
  if (shardCount > 0 && random.oneIn(4))
    for (let i = random.between(1, 2); i > 0; i--) kills.add(random.between(steps >> 2, steps));
  const plan = {
    seed,
    shardCount,
    movesConnections: shardCount > 0 && !random.oneIn(3),
    ringBytes: random.pick([1024, 1024, 4096, 16384]),
    ringStart: random.oneIn(3) ? -1024 * random.between(1, 4) : 0,
    hashSeed: random.next() | 0,
    isPriorityGlobal: !random.oneIn(4),
    isRotating: !random.oneIn(4),
    wakesPerJob: random.weighted([
      [4, 1],
      [1, 2],
      [1, 3],
    ]),
    wakeupDelayMs: 100,
    jobRetries: random.weighted([
      [4, -1],
      [1, 0],
      [1, 1],
      [2, 3],
    ]),
    exceptions: random.oneIn(8),
    deadBytesMax: random.oneIn(4) ? 1024 * random.between(1, 8) : 0,
    memoryBytesMax: random.oneIn(10) ? 1024 * 1024 * random.between(1, 2) : 0,
    outputPauseBytes: random.pick([2048, 32768]),
    outputBytesMax: random.pick([600_000, 64 << 20]),
    windowBytes: random.pick([512, 16384, Number.POSITIVE_INFINITY]),
    functionNames: NAMES.slice(0, random.between(2, NAMES.length)),
    clientsMax: random.between(2, 8),
    workersMax: random.between(2, 10),
    steps,
    kills,
    floodStep: random.oneIn(16) ? random.between(1, steps) : 0,
    stepsWallClock: random.oneIn(5),
    threadWeights: Array.from({ length: shardCount + 1 }, () => random.pick([1, 4, 8, 8])),
    bigOneIn: random.pick([10, 30, 100]),
    fewFunctionsMax: random.pick([0, 1, 2, 100, 100]),
    hasStore: random.oneIn(2),
    isRelaxed: random.oneIn(4),
  };
  const mayDie = plan.hasStore && shardCount > 0 && random.oneIn(2);
  const diskKills = mayDie ? random.between(1, 4) : 0;
  const limited =
    diskKills > 0 || random.oneIn(2) ? plan.functionNames.filter(() => random.oneIn(2)) : [];
  const policies = limited.map((name) => `${name}=${somePolicy(random)}`);
  return { ...plan, diskKills, policies, hasOperators: random.oneIn(2) };
}

/** A policy that a function may have. */
export function somePolicy(random: Random): string {
  return random.weighted<() => string>([
    [2, () => gatePolicy(random)],
    [3, () => runPolicy(random)],
    [1, () => `${gatePolicy(random)},${runPolicy(random)}`],
  ])();
}

/** Runs that fail are tried again soon, and few dead jobs are kept. */
function runPolicy(random: Random): string {
  const keys = [
    `attempts:${random.between(1, 4)}`,
    `backoff:${random.pick(['fixed:1ms', 'fixed:70ms', 'fixed:1s', 'exp:20ms:90ms', 'exp:3ms:2s'])}`,
    `jitter:${random.pick(['0', '0', '0.5', '1'])}`,
    `fg:${random.below(2)}`,
    `dead:${random.below(4)}`,
  ];
  if (random.oneIn(3)) keys.push(`timeout:${random.pick(['10ms', '150ms', '1s', '3s'])}`);
  if (random.oneIn(4)) keys.push(`dead_age:${random.pick(['1s', '5s'])}`);
  return keys.join(',');
}

function gatePolicy(random: Random): string {
  return random.pick([
    'concurrency:1',
    'concurrency:2',
    'concurrency:3',
    'concurrency:1,rate:20/s',
    'rate:5/s',
    'rate:100/s,burst:3',
    'rate:3000/s',
    'concurrency:0,rate:0',
  ]);
}

/** One line for the head of a report. */
export function describePlan(plan: Plan): string {
  const { seed, shardCount, movesConnections, ringBytes, kills } = plan;
  const order = `${plan.isPriorityGlobal ? 'global' : 'function'}${plan.isRotating ? '+rotation' : ''}`;
  return [
    `seed ${seed}: ${shardCount} shards, connections ${movesConnections ? 'move' : 'stay'}`,
    `rings ${ringBytes} bytes, order ${order}, wakes ${plan.wakesPerJob}, retries ${plan.jobRetries}`,
    `functions ${plan.functionNames.length}, kills ${kills.size}, memory ${plan.memoryBytesMax}, of dead jobs ${plan.deadBytesMax}`,
    `window ${plan.windowBytes}, pause ${plan.outputPauseBytes}`,
    `policies ${plan.policies.join(' ') || 'none'}${plan.hasOperators ? ', operators' : ''}`,
    `store ${plan.hasStore ? (plan.isRelaxed ? 'relaxed' : 'synced') : 'none'}, disk kills ${plan.diskKills}`,
  ].join('; ');
}
