/**
 * The order of test files: those that are known to take longest first, so that none of them begins when the others have
 * ended; then the larger ones; then the pure ones, which share processes and must not be torn apart.
 */
import { statSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Longest first. */
const LONG = [
  'attack/attack',
  'integration/packaging/package',
  'integration/bench/suite',
  'integration/embedding/process',
  'integration/store/key-values',
  'integration/shards/death',
  'integration/store/databases',
  'integration/store/crash-databases',
  'integration/embedding/closing',
  'integration/store/hand-over',
  'integration/store/transfer',
  'integration/store/outage',
  'unit/store/key-values',
  'integration/library/faults',
  'integration/shards/causes',
  'integration/differential/differential',
  'sim/sim',
  'dialogues/shards',
  'dialogues/sockets',
];

function rank({ moduleId }: TestSpecification): number {
  const found = LONG.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return found < 0 ? LONG.length : found;
}

const isShared = ({ project }: TestSpecification): number => Number(!project.config.isolate);
const size = ({ moduleId }: TestSpecification): number => statSync(moduleId).size;

export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted(
      (a, b) => isShared(a) - isShared(b) || rank(a) - rank(b) || size(b) - size(a),
    );
  }
}
