/**
 * Addon or TypeScript core, with a reason that can be shown. The answer does not change while a thread lives.
 * Rule: GEARTRAIN_NATIVE=0 asks for the TypeScript core; without an addon that loads there is the TypeScript core as well, never an error.
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

/** What was picked. With the TypeScript core, sockets are `transport/node-reactor.ts` on the main thread. */
export interface Native {
  readonly kind: 'addon' | 'twin';
  /** Why the TypeScript core, in a few words; empty for the addon. */
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
 * `auto` asks the environment; `on` throws NoAddonError when the addon does not load; `off` is the TypeScript core. Without a
 * descriptor to read the addon with it throws EMFILE or ENFILE.
 * The first call that may answer `addon` loads it; the thread has one copy.
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

/** `No native build was found for ...` is what node-gyp-build says; the rest of it is for its own users. */
function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith('No native build was found')) return 'addon is not built';
  return `addon cannot be loaded: ${message.split('\n', 1)[0]}`;
}
