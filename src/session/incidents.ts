/**
 * Refused or dropped connections and requests: each is counted by reason, and logged at most once a second for each
 * reason, because one peer can cause thousands. The next line counts those that were not logged.
 */
import { type LogContext, type Logger, LogLevel } from '../base/logger.ts';

/** Reasons. They are labels of a metric, so they are few and never contain text from a peer. */
export const Incident = {
  /** More than `--max-connections`. */
  connectionLimit: 'connection_limit',
  /** More than `--max-connections-per-address`. */
  addressLimit: 'address_limit',
  /** Paused: over `--max-packet-rate` or `--max-byte-rate`. */
  rateLimit: 'rate_limit',
  /** The peer does not read its output. */
  outputLimit: 'output_limit',
  /** The connection that holds most of a memory that is full (`--max-memory`). */
  memoryLimit: 'memory_limit',
  /** Bytes that are not a Gearman packet or command. */
  malformed: 'malformed',
  /** A packet over `--max-packet-size`. */
  packetTooLarge: 'packet_too_large',
  /** Refused by the rules of `--allow`, or by `--admin-from`. */
  notAllowed: 'not_allowed',
  unknownToken: 'unknown_token',
  /** Bytes on a TLS port that are not TLS. */
  notTls: 'not_tls',
  handshakeFailed: 'handshake_failed',
  /** No handshake within `--handshake-timeout`. */
  handshakeTimeout: 'handshake_timeout',
  /** More than `--max-handshakes` peers without a finished handshake, and this was the oldest. */
  handshakeLimit: 'handshake_limit',
  /** The oldest of too many HTTP connections without a whole request. */
  requestLimit: 'request_limit',
  /** A client's certificate is missing or not trusted. */
  clientCertificate: 'client_certificate',
  /** No descriptor is left for the peer (EMFILE, ENFILE), or its thread has no room. */
  descriptors: 'descriptors',
  /** A request that cannot be answered; the log has details. */
  dropped: 'dropped',
} as const;
export type Incident = (typeof Incident)[keyof typeof Incident];

const QUIET_MS = 1_000;
/**
 * Log levels of reasons that also affect innocent peers, so that the operator must see them. All other reasons are
 * logged at WARNING.
 */
const LEVELS: { readonly [reason in Incident]?: LogLevel } = {
  [Incident.descriptors]: LogLevel.ERROR,
};

interface Record {
  readonly reason: Incident;
  count: number;
  loggedAtMs: number;
  /** Reports that were not logged, and the newest of them. */
  unsaid: number;
  text: string;
  context: LogContext;
}

export class Incidents {
  readonly #log: Logger;
  readonly #records = new Map<Incident, Record>();
  #unsaid = 0;
  /** Monotonic time of the turn. */
  nowMs = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Number of reports of each reason since start. */
  counts(): { [reason: string]: number } {
    return Object.fromEntries([...this.#records].map(([reason, { count }]) => [reason, count]));
  }

  /** Counts an incident. `text` is the line for the log; `context` names the peer. */
  report(reason: Incident, text: string, context: LogContext = {}): void {
    let record = this.#records.get(reason);
    if (record === undefined) {
      const loggedAtMs = Number.NEGATIVE_INFINITY;
      record = { reason, count: 0, loggedAtMs, unsaid: 0, text: '', context };
      this.#records.set(reason, record);
    }
    record.count++;
    record.unsaid++;
    this.#unsaid++;
    record.text = text;
    record.context = context;
    if (this.nowMs - record.loggedAtMs >= QUIET_MS) this.#say(record);
  }

  /**
   * For each reason whose last line is a second old, logs how many reports were left out. Returns the time of the next
   * call, or Infinity.
   */
  tick(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    if (this.#unsaid === 0) return dueMs;
    for (const record of this.#records.values()) {
      if (record.unsaid === 0) continue;
      if (this.nowMs - record.loggedAtMs >= QUIET_MS) this.#say(record);
      else dueMs = Math.min(dueMs, record.loggedAtMs + QUIET_MS);
    }
    return dueMs;
  }

  #say(record: Record): void {
    const others = record.unsaid - 1;
    const more = others === 0 ? '' : ` (and ${others} more of this kind since the last line)`;
    const context = { ...record.context, reason: record.reason, count: record.unsaid };
    const level = LEVELS[record.reason] ?? LogLevel.WARNING;
    this.#log.log(level, `${record.text}${more}`, context);
    this.#unsaid -= record.unsaid;
    record.unsaid = 0;
    record.loggedAtMs = this.nowMs;
  }
}
