/**
 * Our tools beside the C tools: each invocation runs with both, in fresh and equal surroundings, and what can be seen
 * of it must be equal but for the named differences. A difference that shows no more fails as well.
 */
import { describe, expect, it } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import { DIFFERENCES, type Difference } from './differences.ts';
import { GEARADMIN_ROWS } from './gearadmin-rows.ts';
import { GEARMAN_ROWS } from './gearman-rows.ts';
import type { Invocation } from './invocation.ts';
import { invoke } from './invoke.ts';
import type { WorldKind } from './world.ts';

const ROWS: readonly Invocation[] = [...GEARADMIN_ROWS, ...GEARMAN_ROWS];
const hasPeers = ['gearman', 'gearadmin', 'gearmand'] as const;

interface Case {
  readonly row: Invocation;
  readonly kind: WorldKind;
  readonly title: string;
}

const KINDS = ['gearmand', 'geartrain'] as const;

/** Both servers with GEARTRAIN_FULL=1, else the one or the other: half the time, and the servers are not the subject. */
function kindsOf(row: Invocation, index: number): readonly WorldKind[] {
  if (row.worlds !== undefined) return row.worlds;
  return process.env.GEARTRAIN_FULL === '1' ? KINDS : [KINDS[index % 2] as WorldKind];
}

const CASES: readonly Case[] = ROWS.flatMap((row, index) =>
  kindsOf(row, index).map((kind) => ({
    row,
    kind,
    title: `${row.tool}: ${row.title} (${kind})`,
  })),
);

async function compare({ row, kind }: Case): Promise<void> {
  const [c, ours] = await Promise.all([invoke(row, 'c', kind), invoke(row, 'ours', kind)]);
  let wanted: Record<string, unknown> = { ...c };
  for (const name of row.differences ?? []) {
    const rule: Difference = DIFFERENCES[name];
    const before = wanted;
    wanted = { ...before, ...rule.apply(c, row) };
  }
  expect(ours).toEqual(wanted);
  if ((row.differences ?? []).length > 0) expect(ours, 'nothing differs any more').not.toEqual(c);
}

describe.skipIf(!hasPeers.every(requirePeer))('our tools and the C tools', () => {
  it('are compared on at least 60 invocations', () => {
    expect(ROWS.length).toBeGreaterThanOrEqual(60);
  });

  it.concurrent.each(CASES)('$title', compare);

  const tolerant = CASES.filter(({ row }) => row.differences?.includes('exit status'));
  // The rule has made sure that the C tool's is 0.
  it.concurrent.each(tolerant)('$title: --exit-status c', async ({ row, kind }) => {
    expect((await invoke(row, 'ours', kind, ['--exit-status', 'c'])).code).toBe(0);
  });
});
