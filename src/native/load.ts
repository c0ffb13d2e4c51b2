/**
 * Chooses the addon or the TypeScript core, and gives the reason. The choice does not change while a thread lives.
 * Rule: the TypeScript core is chosen with GEARTRAIN_NATIVE=0, and without an error when the addon does not load.
 */
import { addonFunctions, createReactor } from './addon.ts';
import { NoAddonError } from './addon-errors.ts';
import { bindings } from './bindings.ts';
import type {
  NativeFunctions,
  OpenDisk,
  OpenFirstMessageQueue,
  Reactor,
  ReactorOptions,
} from './contract.ts';
import { openDisk } from './disk.ts';
import { openFirstMessageQueue } from './first-message-queue.ts';
import { orShortage } from './shortage.ts';
import { typescriptFunctions } from './typescript-core.ts';

/** The choice. With the TypeScript core, sockets are `transport/node-reactor.ts` on the main thread. */
export interface Native {
  readonly kind: 'addon' | 'twin';
  /** Why the TypeScript core was chosen, in a few words; empty for the addon. */
  readonly reason: string;
  readonly functions: NativeFunctions;
  /** null with the TypeScript core. */
  readonly createReactor: ((options: ReactorOptions) => Reactor) | null;
  /** null with the TypeScript core. */
  readonly openFirstMessageQueue: OpenFirstMessageQueue | null;
  /** null with the TypeScript core. */
  readonly openDisk: OpenDisk | null;
}

/**
 * `auto` reads the environment; `on` throws NoAddonError when the addon does not load; `off` is the TypeScript core.
 * Throws EMFILE or ENFILE when no descriptor is left for reading the addon. The first call that may choose the addon
 * loads it; a thread loads it once.
 */
export function loadNative(mode: 'auto' | 'on' | 'off' = 'auto'): Native {
  if (mode === 'off') return typescriptCore('not wanted');
  if (mode === 'auto' && process.env.GEARTRAIN_NATIVE === '0')
    return typescriptCore('GEARTRAIN_NATIVE=0');
  try {
    bindings();
  } catch (error) {
    const failure = orShortage(error, 'load the native core');
    if (failure !== error) throw failure;
    const reason = firstLine(error);
    if (mode === 'on') throw new NoAddonError(`native on: ${reason}`, { cause: error });
    return typescriptCore(reason);
  }
  return {
    kind: 'addon',
    reason: '',
    functions: addonFunctions(),
    createReactor,
    openFirstMessageQueue,
    openDisk,
  };
}

function typescriptCore(reason: string): Native {
  const nothing = { createReactor: null, openFirstMessageQueue: null, openDisk: null };
  return { kind: 'twin', reason, functions: typescriptFunctions, ...nothing };
}

/**
 * The first line of an error's message. node-gyp-build's is `No native build was found for ...`; the rest of its
 * message is for its own users.
 */
function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith('No native build was found')) return 'addon is not built';
  return `addon cannot be loaded: ${message.split('\n', 1)[0]}`;
}
