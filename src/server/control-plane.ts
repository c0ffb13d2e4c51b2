/**
 * The control port of one server: reads its token, answers for all threads, and is open before the first connection
 * and until after the last one. Loaded only with `--control`.
 */

import type { ServerOptions as SecureOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { ownerOfName } from '../admin/call.ts';
import { bytesOf } from '../base/bytes.ts';
import { LogLevel, levelName } from '../base/logger.ts';
import type { ApiSource, AuditSource, OptionFacts } from '../http/api/source.ts';
import { Control, type ControlSource } from '../http/control.ts';
import type { ControlRefusal } from '../http/control-guard.ts';
import { Dashboard } from '../http/dashboard.ts';
import type { FirstMessageQueues } from '../http/http-listener.ts';
import type { ControlAddress } from '../http/options.ts';
import { collectRows, eachRow, type RingDepth, type Snapshot } from '../http/snapshot.ts';
import { endpointInProcess } from '../link/endpoint.ts';
import { ownerThreads } from '../protocol/shard-of.ts';
import { jobNamed } from '../session/find-job.ts';
import { Incident } from '../session/incidents.ts';
import type { ThreadStats } from '../session/thread-queries.ts';
import type { ThreadCore } from '../shard/thread-core.ts';
import { contextOptionsOf, type TlsMaterial } from '../transport/tls/material.ts';
import { httpRefusals, reportNow } from './http-refusals.ts';
import type { ResolvedOptions } from './options.ts';
import type { SecretFiles } from './secrets.ts';

/** The parts of the server that the control port needs. */
export interface ControlledServer {
  /** The acceptor. */
  readonly core: ThreadCore;
  /** Shards; 0 = the acceptor owns all functions. */
  readonly shardCount: number;
  readonly info: Readonly<Record<string, string>>;
  /** Figures by thread; null for one that is not running. */
  askAll(): Promise<(ThreadStats | null)[]>;
  ringDepths(): RingDepth[];
  notReady(): string | null;
  readonly logLevel: number;
  setLogLevel(level: number): boolean;
  readonly firstMessageQueues: FirstMessageQueues;
  readonly audit: AuditSource;
  /** A connection of this process, with all rights. */
  connect(): Duplex;
  /** All options with their values. */
  options(): readonly OptionFacts[];
  /** A request has failed by a fault of ours. */
  failed(error: Error): void;
}

export interface OpenControl {
  readonly address: ControlAddress;
  /** Changes certificates and token from now on. */
  renew(files: Pick<SecretFiles, 'tls' | 'controlToken'>): void;
  close(): Promise<void>;
}

const INCIDENTS: Readonly<Record<ControlRefusal, Incident>> = {
  unknownToken: Incident.unknownToken,
  clientCertificate: Incident.clientCertificate,
  notAllowed: Incident.notAllowed,
};

/** Binds the control port. Rejects with the system's error. */
export async function openControl(
  server: ControlledServer,
  address: ControlAddress,
  { handshakeTimeout, backlog, dashboard }: ResolvedOptions,
  { tls, controlToken }: Pick<SecretFiles, 'tls' | 'controlToken'>,
): Promise<OpenControl> {
  let token = controlToken;
  const material = address.isSecure === true ? tls : null;
  const control = new Control(sourceOf(server), {
    access: {
      token: () => token,
      asksForCertificate: material !== null && material.clientCa !== null,
      nameOfToken: (word) => nameOfToken(server.core, word),
      rightsOf: (identity) => server.core.table.access?.rightsOf(identity) ?? null,
      refused: (reason, peer, port, text) =>
        reportNow(server.core, INCIDENTS[reason], text, { address: peer, port }),
    },
    dashboard: dashboard === 'on' ? new Dashboard() : null,
    tls: material && { ...secureOptionsOf(material), handshakeTimeout: handshakeTimeout * 1000 },
    refused: (...refusal) => httpRefusals(server.core)(...refusal),
    handshakeFailed: (...failure) => reportHandshake(server.core, ...failure),
    firstMessageQueues: server.firstMessageQueues,
  });
  const bound = await control.listen(address.host, address.port, backlog);
  return {
    address: material === null ? bound : { ...bound, isSecure: true },
    renew: (files) => {
      token = files.controlToken;
      control.endSessions();
      if (material !== null && files.tls !== null) control.renew(secureOptionsOf(files.tls));
    },
    close: () => control.close(),
  };
}

/** Options of a TLS server. OpenSSL accepts untrusted clients; we refuse them, with an answer and a line in the log. */
function secureOptionsOf(material: TlsMaterial): SecureOptions {
  const requestCert = material.clientCa !== null;
  return { ...contextOptionsOf(material), requestCert, rejectUnauthorized: false };
}

/** The name of a token of --token-file, as it is now. */
function nameOfToken({ table }: ThreadCore, word: string): string | null {
  const key = table.hooks.keyOfToken(Buffer.from(word, 'latin1'));
  return key === null ? null : key.slice(0, key.indexOf(' '));
}

function reportHandshake(
  core: ThreadCore,
  peer: string,
  port: number,
  isNotTls: boolean,
  why: string,
): void {
  const what = isNotTls ? `no TLS on a TLS port (${why})` : why;
  const incident = isNotTls ? Incident.notTls : Incident.handshakeFailed;
  const text = `refuse ${peer}:${port}: control port: ${what}`;
  reportNow(core, incident, text, { address: peer, port });
}

function sourceOf(server: ControlledServer): ControlSource {
  return {
    api: apiSourceOf(server),
    failed: (error) => server.failed(error),
    info: server.info,
    snapshot: () => snapshotOf(server),
    notReady: () => server.notReady(),
    logLevel: () => levelName(server.logLevel),
    setLogLevel: (name) => setLogLevel(server, name),
  };
}

function apiSourceOf(server: ControlledServer): ApiSource {
  const table = () => server.core.table;
  return {
    ...{ version: server.info.version as string, core: server.info.core as string },
    shardCount: server.shardCount,
    memoryLimitBytes: server.core.account.limitBytes,
    notReady: () => server.notReady(),
    // Queries are asked in a turn, as all work on sessions and brokers.
    ask: (thread, query) =>
      new Promise((resolve) => {
        const asked = table();
        asked.later(() => asked.ask(thread, query, resolve));
      }),
    ownerOf: (name) => ownerOfName(table(), name),
    jobNamed: (handle) =>
      new Promise((resolve) => {
        const asked = table();
        asked.later(() => jobNamed(asked, bytesOf(handle), resolve));
      }),
    askAll: () => server.askAll(),
    functionStats: (take) => eachRow(table(), ownerThreads(server.shardCount), take),
    options: () => server.options(),
    audit: server.audit,
    endpoint: endpointInProcess({ connect: () => server.connect() }),
    account: server.core.account,
    logLevel: () => levelName(server.logLevel),
    setLogLevel: (name) => setLogLevel(server, name),
  };
}

function setLogLevel(server: ControlledServer, name: string): boolean {
  const level = (LogLevel as Record<string, number>)[name];
  return level !== undefined && server.setLogLevel(level);
}

async function snapshotOf(server: ControlledServer): Promise<Snapshot> {
  const { shardCount } = server;
  const { table, account } = server.core;
  const functions = await collectRows(table, ownerThreads(shardCount));
  const threads = await server.askAll();
  const incidents = new Map<string, number>();
  for (const stats of threads)
    for (const [reason, count] of Object.entries(stats?.incidents ?? {}))
      incidents.set(reason, (incidents.get(reason) ?? 0) + count);
  const rings = server.ringDepths();
  return { functions, threads, rings, incidents, memoryLimitBytes: account.limitBytes };
}
