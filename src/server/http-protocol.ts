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
import { fileReason } from '../store/file-reason.ts';
import { httpRefusals } from './http-refusals.ts';
import { PROTOCOL_VERSION } from './identity.ts';
import { listenError, type Place } from './listen-error.ts';
import { targetsOf } from './listen-targets.ts';
import type { ResolvedOptions } from './options.ts';

const SOCKET_MODE = 0o600;

export interface HttpProtocol {
  readonly addresses: readonly HttpAddress[];
  /** Takes no more jobs; those that run are answered. */
  drain(): void;
  close(): void;
}

/**
 * Binds. Rejects with ListenError, OptionError for what `own` holds, or Error for the folder; then nothing of it is left.
 */
export async function openHttp(
  core: ThreadCore,
  options: ResolvedOptions,
  lobbies: Lobbies,
  own: readonly Place[],
): Promise<HttpProtocol> {
  const { reactor } = core;
  const folder = makeFolder();
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
    return { addresses: await bind(gateway, options, own), drain: () => gateway.drain(), close };
  } catch (error) {
    close();
    throw error;
  }
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'geartrain-http-'));
  } catch (error) {
    throw new Error(
      `option --protocol http: make a folder in ${tmpdir()}: ${fileReason(error)}; TMPDIR names another one`,
      { cause: error },
    );
  }
}

/** All addresses share one port, also when the system chooses it. */
async function bind(
  gateway: Gateway,
  options: ResolvedOptions,
  own: readonly Place[],
): Promise<HttpAddress[]> {
  const targets = await targetsOf({}, options);
  const hosts = targets.flatMap((target) => ('host' in target ? [target.host] : []));
  // A server that listens on Unix sockets alone serves HTTP to this machine alone.
  if (hosts.length === 0) hosts.push('127.0.0.1');
  const addresses: HttpAddress[] = [];
  for (const host of new Set(hosts)) {
    const port = addresses[0]?.port ?? options.httpPort;
    try {
      addresses.push(await gateway.listen(host, port));
    } catch (error) {
      // A machine without IPv6.
      const { code } = error as NodeJS.ErrnoException;
      if (addresses.length === 0 || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL'))
        throw listenError({ option: '--http-port', at: { host, port } }, error, own);
    }
  }
  return addresses;
}
