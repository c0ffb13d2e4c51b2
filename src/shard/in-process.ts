/** Connections from inside the process: no port, no path, no descriptor; the same sessions and rules. */
import type { Reactor } from '../native/contract.ts';
import { shortageOf } from '../native/shortage.ts';
import type { InProcessStream } from '../transport/in-process/stream.ts';
import { MixedReactor } from '../transport/mixed-reactor.ts';
import { NodeReactor } from '../transport/node-reactor.ts';

/** Gives `stream` its other end in the thread of `reactor`; its peer sees an end where there is no room for it. */
export function welcome(stream: InProcessStream, reactor: Reactor): void {
  if (!(reactor instanceof MixedReactor || reactor instanceof NodeReactor))
    throw new Error('connect in process: a shard has no such connections');
  try {
    reactor.attachInProcess(stream);
  } catch (error) {
    if (shortageOf(error) === null) throw error;
    stream.refuse();
  }
}
