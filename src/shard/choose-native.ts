/** Addon or TypeScript core, chosen once a process: the reactor that fits, and the functions that belong to none. */

import type { ReactorOptions } from '../native/contract.ts';
import { loadNative } from '../native/load.ts';
import { MixedReactor } from '../transport/mixed-reactor.ts';
import { createNodeReactor } from '../transport/node-reactor.ts';
import type { NativeChoice } from './assemble.ts';

export interface ExplainedChoice extends NativeChoice {
  /** Why it is this one; empty for the addon. */
  readonly reason: string;
}

/** `on` throws when the addon does not load. */
export function chooseNative(mode: 'auto' | 'on' | 'off'): ExplainedChoice {
  const native = loadNative(mode);
  const createReactor =
    native.kind === 'addon'
      ? (options: ReactorOptions) => new MixedReactor(options)
      : createNodeReactor;
  return { ...native, createReactor };
}
