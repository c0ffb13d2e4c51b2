/**
 * Connections from inside the process: no port, no path, the same sessions and rules. With the addon a connected pair
 * of descriptors without a name, so that its connections can move to their shard; with the twin two streams.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NativeFunctions } from '../native/contract.ts';
import { createMemoryPair } from '../transport/memory-pair.ts';
import { NodeReactor } from '../transport/node-reactor.ts';
import type { ThreadCore } from './thread-core.ts';

/** How such a connection is listed, and seen by `--admin-from`: as one of a Unix socket. */
const ADDRESS = 'localhost';
const NOTHING = new Uint8Array(0);

/** The peer's end of a connection that has not reached the server yet. `welcome` connects it. */
export interface Arrival {
  readonly stream: Duplex;
  /** Gives the server its end. Nothing happens when the peer has left. */
  welcome(core: ThreadCore): void;
  /** There is no server to connect to: the peer sees its connection end. */
  refuse(): void;
}

/** Throws Error with `code` (`EMFILE` ...) when the system has no descriptors left. */
export function arrive(kind: 'addon' | 'twin', functions: NativeFunctions): Arrival {
  return kind === 'addon' ? arriveBySockets(functions) : arriveByStreams();
}

function arriveBySockets(functions: NativeFunctions): Arrival {
  const [ours, theirs] = functions.socketPair();
  const stream = new Socket({ fd: theirs, readable: true, writable: true });
  return {
    stream,
    welcome(core) {
      const conn = core.reactor.adopt(ours, NOTHING, NOTHING);
      core.home.open(conn, ADDRESS, 0).isTrusted = true;
    },
    refuse: () => functions.closeDescriptor(ours),
  };
}

function arriveByStreams(): Arrival {
  const [ours, theirs] = createMemoryPair();
  return {
    stream: theirs,
    welcome(core) {
      if (!(core.reactor instanceof NodeReactor)) throw new Error('the twin has another reactor');
      core.home.open(core.reactor.adoptStream(ours), ADDRESS, 0).isTrusted = true;
    },
    refuse: () => ours.destroy(),
  };
}
