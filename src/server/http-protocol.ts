/**
 * gearmand's HTTP protocol for one server: the gateway on the addresses that the server listens on, and its own way to
 * the job server, a Unix socket in a folder that nobody else can enter. Loaded only when `--protocol http` asks for it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Gateway, type HttpAddress } from '../http/gateway.ts';
import type { Lobbies } from '../http/http-listener.ts';
import { endpointOf } from '../link/endpoint.ts';
import type { ThreadCore } from '../shard/thread-core.ts';
import { httpRefusals } from './http-refusals.ts';
import { PROTOCOL_VERSION } from './identity.ts';
import { targetsOf } from './listen-targets.ts';
import type { ResolvedOptions } from './options.ts';

const SOCKET_MODE = 0o600;

export interface HttpProtocol {
  readonly addresses: readonly HttpAddress[];
  /** Takes no more jobs; those that run are answered. */
  drain(): void;
  close(): void;
}

/** Binds. Rejects with the system's error; then nothing of it is left. Without `lobbies` node:http listens itself. */
export async function openHttp(
  core: ThreadCore,
  options: ResolvedOptions,
  lobbies: Lobbies | null,
): Promise<HttpProtocol> {
  const { reactor } = core;
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-http-'));
  const path = join(folder, 'socket');
  const gateway = new Gateway({
    endpoint: endpointOf({ path }, false, undefined),
    bodyBytesMax: options.maxPacketSize,
    outputBytesMax: options.outputLimit,
    timeoutMs: options.httpTimeout * 1000,
    statuses: options.httpStatus,
    serverName: `Gearman/${PROTOCOL_VERSION}`,
    connectionsMax: options.maxConnections,
    peerConnectionsMax: options.maxConnectionsPerAddress,
    backlog: options.backlog,
    refused: httpRefusals(core),
    lobbies,
  });
  let listener: number | null = null;
  const close = (): void => {
    gateway.close();
    if (listener !== null) reactor.unlisten(listener);
    listener = null;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const { backlog } = options;
    listener = (await reactor.listen({ path, mode: SOCKET_MODE, backlog })).id;
    return { addresses: await bind(gateway, options), drain: () => gateway.drain(), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** All addresses share one port, also when the system chooses it. */
async function bind(gateway: Gateway, options: ResolvedOptions): Promise<HttpAddress[]> {
  const targets = await targetsOf({}, options);
  const hosts = targets.flatMap((target) => ('host' in target ? [target.host] : []));
  // A server that listens on Unix sockets alone serves HTTP to this machine alone.
  if (hosts.length === 0) hosts.push('127.0.0.1');
  const addresses: HttpAddress[] = [];
  for (const host of new Set(hosts)) {
    try {
      addresses.push(await gateway.listen(host, addresses[0]?.port ?? options.httpPort));
    } catch (error) {
      // A machine without IPv6.
      const { code } = error as NodeJS.ErrnoException;
      if (addresses.length === 0 || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL'))
        throw error;
    }
  }
  return addresses;
}
