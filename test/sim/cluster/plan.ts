/** What one simulation of a cluster will meet, chosen by its seed. */
import { Random } from '../../support/random.ts';

/** Rules that can be taken away, to see that the simulation notices. */
export const BREAKS = [
  'expected-sequence-is-ignored',
  'lease-of-the-home-is-ignored',
  'nobody-has-to-announce',
  'first-sequence-is-not-asked-for',
  'last-message-is-purged',
  'nothing-held-is-announced',
  'the-dead-are-heard',
] as const;
/** Rules whose loss a thousand seeds do not show. Unit tests of bucket, home and lease do. */
export const RARE_BREAKS = [
  'terms-are-ignored',
  'announcing-servers-are-known-from-an-old-look',
  'looks-need-not-show-the-own-beat',
  'announced-submits-count-as-new',
  'answered-submits-are-not-noted',
  'assignments-of-earlier-epochs-are-taken',
] as const;
export type Break = (typeof BREAKS)[number] | (typeof RARE_BREAKS)[number];

export interface Fault {
  readonly atMs: number;
  readonly kind:
    | 'crash'
    | 'suspend'
    | 'partition'
    | 'stepDown'
    | 'quorum'
    | 'staleReads'
    | 'stop'
    | 'workerGone'
    | 'clientGone';
  /** Number of the server, or of the worker or client. */
  readonly target: number;
  readonly forMs: number;
}

export interface Plan {
  readonly seed: number;
  readonly serverCount: number;
  readonly bucketCount: number;
  readonly functionNames: readonly string[];
  /** Speed of each server's clock. */
  readonly rates: readonly number[];
  /** Core messages of which one in a thousand is lost, repeated, late. */
  readonly lost: number;
  readonly repeated: number;
  readonly late: number;
  /** Requests to NATS of which one in a thousand has no answer, is refused wrongly, is answered by a replica that lags. */
  readonly silent: number;
  readonly refused: number;
  readonly lagging: number;
  /** Requests of which one in a thousand takes up to a second. */
  readonly slow: number;
  readonly readMessages: number;
  readonly purgeBytesMin: number;
  readonly faults: readonly Fault[];
  /** Servers that die within the effects of one event: after so many effects. */
  readonly deaths: readonly { readonly server: number; readonly effects: number }[];
  readonly activeMs: number;
  readonly broken: Break | null;
}

const KINDS: readonly (readonly [number, Fault['kind']])[] = [
  [4, 'crash'],
  [5, 'suspend'],
  [4, 'partition'],
  [3, 'stepDown'],
  [1, 'quorum'],
  [2, 'staleReads'],
  [2, 'stop'],
  [2, 'workerGone'],
  [2, 'clientGone'],
];

export function planOf(seed: number, broken: Break | null = null): Plan {
  const random = new Random(seed);
  const serverCount = random.between(2, 4);
  const activeMs = random.between(12_000, 24_000);
  const chaos = random.pick([0, 0, 1, 1, 2]);
  const faultCount = random.pick([0, 1, 1, 2, 3, 5]);
  const faults = Array.from({ length: faultCount }, () => {
    const kind = random.weighted(KINDS);
    const atMs = random.between(2500, activeMs);
    return { atMs, kind, target: random.below(100), forMs: durationOf(random, kind) };
  });
  const deaths = Array.from({ length: random.pick([0, 0, 1, 2]) }, () => ({
    server: random.below(serverCount),
    effects: random.between(50, 4000),
  }));
  return {
    seed,
    serverCount,
    bucketCount: random.between(1, 4),
    functionNames: ['resize', 'mail', 'index', 'crawl', 'bill'].slice(0, random.between(1, 5)),
    rates: Array.from({ length: serverCount }, () => 1 + (random.below(121) - 60) / 1000),
    lost: [0, 20, 150][chaos] as number,
    repeated: [0, 20, 100][chaos] as number,
    late: [0, 20, 100][chaos] as number,
    silent: random.pick([0, 5, 30, 100]),
    refused: random.pick([0, 5, 30]),
    lagging: random.pick([0, 100, 500]),
    slow: random.pick([0, 0, 50, 300]),
    readMessages: random.pick([1, 3, 256]),
    purgeBytesMin: random.pick([1, 300, 3000, 1e6]),
    faults,
    deaths,
    activeMs,
    broken,
  };
}

function durationOf(random: Random, kind: Fault['kind']): number {
  if (kind === 'stepDown') return random.between(50, 1500);
  if (kind === 'quorum') return random.between(2000, 8000);
  if (kind === 'suspend') return random.pick([300, 2400, 3100, 4500, 9000]);
  return random.pick([500, 2500, 3500, 6000, 9000]);
}

/** A line for the head of a report. */
export function describePlan(plan: Plan): string {
  const faults = plan.faults.map(({ kind, atMs, forMs }) => `${kind} ${atMs}+${forMs}`);
  return [
    `seed ${plan.seed}: ${plan.serverCount} servers, ${plan.bucketCount} buckets`,
    `${plan.functionNames.length} functions, clocks ${plan.rates.join(' ')}`,
    `messages lost ${plan.lost}, repeated ${plan.repeated}, late ${plan.late} of 1000`,
    `requests silent ${plan.silent}, refused ${plan.refused}, lagging ${plan.lagging}, slow ${plan.slow} of 1000`,
    `purge from ${plan.purgeBytesMin} bytes, deaths ${plan.deaths.map(({ effects }) => effects).join(' ') || 'none'}`,
    `faults ${faults.join(', ') || 'none'}`,
    ...(plan.broken === null ? [] : [`broken: ${plan.broken}`]),
  ].join('; ');
}
