/** Messages between the supervisor and a shard's thread, over a port of their own: rare, and never about one job. */
import type { MessagePort } from 'node:worker_threads';
import type { LogContext } from '../base/logger.ts';
import type { TlsMaterial } from '../transport/tls/material.ts';
import type { ThreadConfig } from './assemble.ts';
import type { PeerWires, ThreadWires } from './ring-mesh.ts';
import type { TokenHash } from './token-table.ts';

/** Arguments of a shard's task. */
export interface ShardTask {
  readonly config: ThreadConfig;
  readonly wires: ThreadWires;
  readonly isNative: boolean;
  readonly logLevel: number;
  readonly port: MessagePort;
}

export type ToShard =
  /** Drop a thread that has died; answered with `parted`. */
  | { readonly type: 'part'; readonly thread: number }
  /** A thread runs again. */
  | { readonly type: 'join'; readonly thread: number; readonly ends: PeerWires }
  /** Send pending replies and end the task. */
  | { readonly type: 'stop' }
  | { readonly type: 'logLevel'; readonly level: number }
  /** Certificates were read again. */
  | { readonly type: 'renewTokens'; readonly tokens: readonly TokenHash[] }
  | { readonly type: 'renewTls'; readonly material: TlsMaterial };

export type FromShard =
  | {
      readonly type: 'log';
      readonly level: number;
      readonly text: string;
      readonly context?: LogContext;
    }
  | { readonly type: 'ready' }
  /** The store is unusable; the thread dies of it. */
  | { readonly type: 'refused'; readonly reason: string }
  /** Jobs that could not be stored at the end. */
  | { readonly type: 'lost'; readonly jobs: number }
  | { readonly type: 'parted'; readonly thread: number };
