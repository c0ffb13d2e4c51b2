/** Chooses addon or TypeScript core once for the process: the reactor, and the free functions. */

import type { ReactorOptions } from '../native/contract.ts';
import { loadNative } from '../native/load.ts';
import { MixedReactor } from '../transport/mixed-reactor.ts';
import { createNodeReactor } from '../transport/node-reactor.ts';
import type { NativeChoice } from './assemble.ts';

export interface ExplainedChoice extends NativeChoice {
  /** The reason for the TypeScript core; empty for the addon. */
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
