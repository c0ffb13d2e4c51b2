/** The shape of one row of the table that compares our tools with the C tools. */
import type { DifferenceName } from './differences.ts';
import type { World, WorldKind } from './world.ts';

export interface Invocation {
  /** What it is about, as a fact. */
  readonly title: string;
  readonly tool: 'gearman' | 'gearadmin';
  /** `{port}`, `{folder}` and `{handle1}` are filled in. */
  readonly words: readonly string[];
  /** False: `-h` and `-p` are not put in front. */
  readonly isPlaced?: boolean;
  /** Bytes as Latin-1. */
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Servers to run it against; both unless given. */
  readonly worlds?: readonly WorldKind[];
  readonly setup?: (world: World) => Promise<void>;
  /** Jobs run side by side: standard output is these pieces in any order, and so is what the worker heard. */
  readonly pieces?: readonly string[];
  /** Rules by which our outcome may differ; each must be needed. */
  readonly differences?: readonly DifferenceName[];
  /** What our own message says, where the rule `own messages` or `own usage` applies. */
  readonly says?: RegExp;
  /** Our standard output, where the rule says that it is not the C tool's. */
  readonly stdout?: string;
  /** What our run leaves behind or what peers hear, where a rule says that it is not the C tool's. */
  readonly heard?: readonly string[];
  readonly left?: readonly string[];
}
