/** Every dialogue of this folder on sockets, with a server without shard threads. */
import { describeOnSockets } from '../support/dialogue/on-sockets.ts';

describeOnSockets((threads) => threads === 0);
