/**
 * Builds the core of a thread from options that can be posted to it: reactor, clock, timers, text commands. Rule: only
 * here addon and TypeScript core are distinguished.
 */

// The global of that name is a getter that costs more than the clock.
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { MessagePort } from 'node:worker_threads';
import { type AdminFacts, onLine } from '../admin/commands.ts';
import type { Clock } from '../base/clock.ts';
import { type Logger, levelName } from '../base/logger.ts';
import type {
  KeepaliveOptions,
  NativeFunctions,
  OpenDisk,
  OpenFirstMessageQueue,
  ReactorOptions,
} from '../native/contract.ts';
import type { GateSettings } from '../policy/gate-settings.ts';
import { admit } from '../session/connection-limits.ts';
import { DatabaseStore, type StorePort } from '../store/database/database-store.ts';
import { nodeFiles } from '../store/file-system.ts';
import { Journal } from '../store/journal/journal.ts';
import type { Store, StoreHost } from '../store/store.ts';
import type { StreamReactor } from '../transport/stream-connection.ts';
import type { TlsMaterial } from '../transport/tls/material.ts';
import type { TlsAcceptorOptions } from '../transport/tls/tls-acceptor.ts';
import { compileAdminFrom } from './admin-from.ts';
import { garbageCollector } from './collect-garbage.ts';
import { diskFiles } from './disk-files.ts';
import type { ThreadRings } from './publishing.ts';
import { ThreadCore, type ThreadCoreOptions, type ThreadParts } from './thread-core.ts';
import { TlsConnections } from './tls-connections.ts';
import { type TokenHash, TokenTable } from './token-table.ts';
import { loopDelayMeter } from './turn-measures.ts';

/** The configuration of a thread, as data that can be posted to it. */
export interface ThreadConfig {
  readonly core: ThreadCoreOptions;
  readonly reactor: {
    readonly packetBytesMax: number;
    readonly outputPauseBytes: number;
    readonly outputBytesMax: number;
    readonly keepalive: KeepaliveOptions | null;
    readonly userTimeoutMs: number;
  };
  /** The tokens of peers; null when the server has none. */
  readonly tokens: readonly TokenHash[] | null;
  /** Certificates and limits for TLS ports; null when there are no TLS ports. */
  readonly tls: { readonly material: TlsMaterial; readonly acceptor: TlsAcceptorOptions } | null;
  /** Milliseconds of warm-up before the thread serves; 0 = none. */
  readonly warmUpMs: number;
  /** Whether to measure how late the thread's timers are. */
  readonly measuresLoop: boolean;
  readonly facts: {
    readonly version: string;
    readonly pid: number;
    readonly adminFrom: readonly string[];
  };
  /** Where the thread keeps its background jobs; null in memory. */
  readonly store: StoreConfig | null;
  /** Gates of functions of this thread; other functions have none. */
  readonly gates: readonly GateSettings[];
}

/** A store's configuration, as data that can be posted to the thread. */
export type StoreConfig = JournalConfig | DatabaseConfig;

export interface JournalConfig {
  readonly kind: 'journal';
  readonly folder: string;
  readonly shard: number;
  readonly salt: number;
  /** The manifest of the state directory has format 2. */
  readonly isVersion2: boolean;
  /** Milliseconds between commits without a waiting client; null = at once. */
  readonly relaxedMs: number | null;
}

export interface DatabaseConfig {
  readonly kind: 'database';
  /** Port to the database thread; for one run of this thread. */
  readonly port: MessagePort;
  readonly relaxedMs: number | null;
  readonly keepsRuns: boolean;
}

/** The ports that must be transferred with a store's configuration. */
export function portsOfStore(store: StoreConfig | null): MessagePort[] {
  return store?.kind === 'database' ? [store.port] : [];
}

/** The core, chosen once for all threads. */
export interface NativeChoice {
  readonly kind: 'addon' | 'twin';
  readonly functions: NativeFunctions;
  createReactor(options: ReactorOptions): StreamReactor;
  /** null with the TypeScript core. */
  readonly openFirstMessageQueue: OpenFirstMessageQueue | null;
  /** null with the TypeScript core. */
  readonly openDisk: OpenDisk | null;
}

/** The rings of a server without shards: there are none, and its sessions count all connections themselves. */
export const NO_RINGS: ThreadRings = {
  writers: [null],
  readers: [null],
  epoch: 0,
  levelOf: () => 0,
  publishLevel: () => {},
  connectionTotal: () => 0,
  publishCounts: () => {},
};

const clock: Clock = { nowMs: () => performance.now(), wallMs: () => Date.now() };

/** Calls to the server, in the main thread only. */
export interface MainThreadCalls {
  /** Runs every turn and handles its errors. */
  readonly guard?: (turn: () => void) => void;
  readonly runPolicyCommand?: NonNullable<ThreadParts['runPolicyCommand']>;
  readonly audit?: NonNullable<ThreadParts['audit']>;
}

export function assembleThread(
  config: ThreadConfig,
  native: NativeChoice,
  rings: ThreadRings,
  log: Logger,
  onListenError: (code: string) => void,
  { guard = (turn) => turn(), runPolicyCommand, audit }: MainThreadCalls = {},
): ThreadCore {
  const isAllowed = compileAdminFrom(config.facts.adminFrom);
  const facts: AdminFacts = {
    version: config.facts.version,
    pid: config.facts.pid,
    verbose: () => levelName(log.level),
    isAllowed: (address) => isAllowed(address === 'localhost' ? '' : address),
  };
  const { store, tls } = config;
  let timer: NodeJS.Timeout | undefined;
  const core: ThreadCore = new ThreadCore(config.core, {
    clock,
    log,
    memory: {
      discard: native.kind === 'addon' ? (bytes) => native.functions.discard(bytes) : null,
    },
    makeReactor: (onTurn) =>
      native.createReactor({
        ...config.reactor,
        hashSeed: config.core.sessions.hashSeed,
        onTurn: (rowCount) => guard(() => onTurn(rowCount)),
        onListenError,
        onSocket: (socket, address, port) => onSocket(socket as Socket, address, port),
      }),
    setTimer: (atMs, wake) => {
      clearTimeout(timer);
      if (atMs === Number.POSITIVE_INFINITY) return;
      timer = setTimeout(wake, Math.max(0, Math.ceil(atMs - clock.nowMs()))).unref();
    },
    onLine: (table, session, line) => onLine(table, session, line, facts),
    rings,
    trimHeap: () => native.functions.trimHeap(),
    collectGarbage: garbageCollector(() => clock.nowMs()),
    ...(config.measuresLoop ? { loopDelay: loopDelayMeter() } : {}),
    ...(config.tokens !== null && { tokens: new TokenTable(config.tokens) }),
    handshakes: {
      makeTlsConnections: (host) =>
        tls === null ? null : new TlsConnections(host, tls.material, tls.acceptor),
      closeDescriptor: (fd) => native.functions.closeDescriptor(fd),
    },
    ...(runPolicyCommand !== undefined && { runPolicyCommand }),
    ...(audit !== undefined && { audit }),
    makeStore: store === null ? null : (host) => openStore(store, host, native.openDisk),
  });
  const onSocket = (socket: Socket, address: string, port: number): void => {
    if (core.tlsConnections !== null && admit(core.table, address, port))
      core.tlsConnections.takeSocket(socket, address, port);
    else socket.destroy();
  };
  return core;
}

/** Opens the store of a thread. Its jobs are read before anything else happens. */
export function openStore(
  config: StoreConfig,
  host: StoreHost,
  openDisk: OpenDisk | null = null,
): Store {
  if (config.kind === 'journal') {
    const files = openDisk === null ? nodeFiles : diskFiles(openDisk);
    return new Journal({ files, ...config }, host);
  }
  const { relaxedMs, keepsRuns } = config;
  return new DatabaseStore({ port: config.port as StorePort, relaxedMs, keepsRuns }, host);
}
