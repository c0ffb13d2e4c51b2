/** Makes the configuration of each thread from the checked options. */
import { accountWords } from '../base/account.ts';
import { deadWords } from '../broker/dead-memory.ts';
import { latin1Of } from '../policy/function-name.ts';
import type { GateSettings } from '../policy/gate-settings.ts';
import { parseAliasRule } from '../policy/rule.ts';
import { type AccessRule, parseRule } from '../session/access.ts';
import type { ThreadConfig } from '../shard/assemble.ts';
import { defaultHandlePrefix, protocolVersion } from './identity.ts';
import type { ResolvedOptions } from './options.ts';
import type { Secrets } from './secrets.ts';
import type { ServerState } from './state.ts';

const MIB = 1024 * 1024;
/** How long frames wait for a shard that is being restarted with its jobs. */
const RESTART_WAIT_MS = 5_000;
const OUTPUT_PAUSE_BYTES_MAX = 4 * MIB;

/** Makes the configuration of a thread: 0 is the acceptor, or the only thread without shards. */
export function configMaker(
  options: ResolvedOptions,
  kind: 'addon' | 'twin',
  state: ServerState,
  secrets: Secrets,
  gatesOf: (thread: number) => readonly GateSettings[],
): (thread: number) => ThreadConfig {
  const { hashSeed, boot } = state;
  const memoryWords = accountWords(options.threads + 1);
  const deadMemory = {
    limitBytes: deadLimit(options),
    ownerCount: Math.max(1, options.threads),
    words: deadWords(options.threads + 1),
  };
  const measured = new Int32Array(
    new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * (options.threads + 1)),
  );
  const isNewOrder = options.jobOrder === '2.0';
  const keepalive = options.keepalive
    ? {
        idleSeconds: options.keepaliveIdle,
        intervalSeconds: options.keepaliveInterval,
        count: options.keepaliveCount,
      }
    : null;
  const acceptor = {
    handshakeTimeoutMs: options.handshakeTimeout * 1000,
    handshakesMax: options.maxHandshakes,
  };
  const output = {
    outputPauseBytes: Math.min(OUTPUT_PAUSE_BYTES_MAX, options.outputLimit / 2),
    outputBytesMax: options.outputLimit,
  };
  const access = options.allow.map((rule) => parseRule(rule) as AccessRule);
  const aliases = options.aliases.map(parseAliasRule);
  return (thread) => ({
    core: {
      sessions: {
        thread,
        shardCount: options.threads,
        hashSeed,
        exceptions: options.exceptions,
        connectionsMax: options.maxConnections,
        addressConnectionsMax: options.maxConnectionsPerAddress,
        packetRate: options.maxPacketRate,
        byteRate: options.maxByteRate,
        ...(options.allow.length > 0 && { access }),
        ...(aliases.length > 0 && { aliases }),
        packetBytesMax: options.maxPacketSize,
        ...output,
        restartWaitMs: state.keptIn === null ? 0 : RESTART_WAIT_MS,
        movesConnections: thread === 0 && options.threads > 0 && kind === 'addon',
      },
      broker: {
        jobRetries: options.jobRetries,
        functionsMax: options.maxFunctions,
        wakesPerJob: Math.max(1, options.workerWakeup),
        wakeupDelayMs: options.wakeupDelay,
        isPriorityGlobal: isNewOrder,
        isRotating: isNewOrder || options.roundRobin,
        measuredMax: options.control === null ? 0 : options.metricsFunctions,
        measured,
        deadMemory,
        isRelaxed: options.durability === 'relaxed',
        storesAtEnd: options.queueType === 'libsqlite3' && options.storeQueueOnShutdown,
        ...(options.durabilityOf.length > 0 && { relaxedOf: relaxedBy(options.durabilityOf) }),
      },
      handlePrefix: options.jobHandlePrefix ?? defaultHandlePrefix(),
      boot,
      slowTurnMs: options.slowTurnMs === 0 ? Number.POSITIVE_INFINITY : options.slowTurnMs,
      unservedWarningMs: options.idleQueueWarning * 1000,
      memoryBytesMax: options.maxMemory,
      memoryWords,
    },
    reactor: {
      packetBytesMax: options.maxPacketSize,
      ...output,
      keepalive,
      userTimeoutMs: options.tcpUserTimeout * 1000,
    },
    tokens: secrets.tokens,
    tls: secrets.tls === null ? null : { material: secrets.tls, acceptor },
    warmUpMs: options.warmUp,
    measuresLoop: options.control !== null,
    facts: {
      version: protocolVersion(),
      pid: process.pid,
      adminFrom: options.adminFrom,
    },
    store: state.storeOf(thread),
    gates: gatesOf(thread),
  });
}

/** Dead jobs never use more than half of the memory that live jobs need too. */
function deadLimit({ deadMemory, maxMemory }: ResolvedOptions): number {
  const half = Math.floor(maxMemory / 2);
  if (half === 0) return deadMemory;
  return deadMemory === 0 ? half : Math.min(deadMemory, half);
}

/** Function names as Latin-1, a character a byte. */
function relaxedBy(rules: readonly string[]): ReadonlyMap<string, boolean> {
  return new Map(
    rules.map((rule) => {
      const at = rule.lastIndexOf('=');
      return [latin1Of(rule.slice(0, at)), rule.slice(at + 1) === 'relaxed'];
    }),
  );
}
