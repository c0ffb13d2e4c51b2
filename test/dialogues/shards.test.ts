/** Every dialogue of this folder on sockets, with a server whose shard threads own the functions. */
import { describeOnSockets } from '../support/dialogue/on-sockets.ts';

describeOnSockets((threads) => threads > 0);
