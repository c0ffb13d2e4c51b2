/** Options of a thread's session table: settings, and the calls to the layers above. */
import type { PolicyAnswer, PolicyCommand } from '../policy/policy-command.ts';
import type { AliasRule } from '../policy/rule.ts';
import type { StoreHealth } from '../store/store.ts';
import type { AccessRule } from './access.ts';
import type { Session } from './session.ts';
import type { AuditedCommand, ThreadQuery, ThreadResult, ThreadStats } from './thread-queries.ts';

export interface SessionTableOptions {
  /** This thread's number: 0 is the acceptor (without shards the only thread), shards are 1..shardCount. */
  readonly thread: number;
  readonly shardCount: number;
  readonly hashSeed: number;
  /** Every connection begins with the `exceptions` option. */
  readonly exceptions: boolean;
  /** Connections of all threads; 0 = no limit. */
  readonly connectionsMax: number;
  readonly packetBytesMax: number;
  /** Waiting output at which reading is paused, as in `ReactorOptions`; left out: no limit. */
  readonly outputPauseBytes?: number;
  readonly outputBytesMax?: number;
  /** Connections of one address in all threads; 0 or left out = no limit. */
  readonly addressConnectionsMax?: number;
  /** Limits of one connection per second; 0 or left out = no limit. */
  readonly packetRate?: number;
  readonly byteRate?: number;
  /** Access rules; left out when every peer may do everything. */
  readonly access?: readonly AccessRule[];
  /** Other names of functions, for submits; left out: none. */
  readonly aliases?: readonly AliasRule[];
  /** Connections move to the owner of the first function that they name. */
  readonly movesConnections: boolean;
  /** How long frames wait for a shard that is being started again; 0 or left out: not at all. */
  readonly restartWaitMs?: number;
}

/** Calls from the sessions to the layers above. */
export interface SessionTableHooks {
  /** Passes this thread's result of a query to `done`; see answers.ts. */
  answer(query: ThreadQuery, done: (result: ThreadResult) => void): void;
  /** A text line (Latin-1, without line end) of `session`. */
  onLine(session: Session, line: string): void;
  /** Published level of another thread: 0 nothing runnable, 3 high. */
  levelOf(thread: number): number;
  /** Connections of all threads, at the end of their last turns. */
  connectionTotal(): number;
  /** The host's figures for a result of kind `stats`. */
  recordCounts(): { sent: number; received: number };
  turnFigures(): Pick<ThreadStats, 'turns' | 'loopDelay'>;
  /** A peer that begins with a handshake, accepted here or by the acceptor; the callee owns its descriptor. */
  onHandshake(fd: number, address: string, port: number): void;
  /** Refuses a peer that begins with a handshake. */
  refuseHandshake(fd: number): void;
  /** Whether the server has tokens. */
  readonly takesTokens: boolean;
  /** The key of a token (session.ts, tokenKey); null for an unknown one. */
  keyOfToken(token: Uint8Array): string | null;
  hasTokenKey(key: string): boolean;
  /** Carries out an operator's command about a policy; `done` gets its answer in a later turn. Only in thread 0. */
  runPolicyCommand(command: PolicyCommand, done: PolicyAnswer): void;
  /** Writes a change by a text command into the audit log. Only in thread 0. */
  audit(entry: AuditedCommand): void;
  /** Much JavaScript memory has been released and should be collected soon. */
  collectGarbage(): void;
  /** Figures of the store of this thread; null without one. */
  storeHealth(): StoreHealth | null;
}
