/**
 * gearmand's HTTP protocol for one server: the gateway on the server's addresses, and its connections to the job
 * server, which are in memory and have no more rights than other peers. Loaded only with `--protocol http`.
 */
import { Gateway, type HttpAddress } from '../http/gateway.ts';
import type { FirstMessageQueues } from '../http/http-listener.ts';
import { endpointInProcess } from '../link/endpoint.ts';
import { attachInProcess } from '../shard/attach.ts';
import type { ThreadCore } from '../shard/thread-core.ts';
import { InProcessStream } from '../transport/in-process/stream.ts';
import { httpRefusals } from './http-refusals.ts';
import { protocolVersion } from './identity.ts';
import { type BoundAddress, listenError } from './listen-error.ts';
import { targetsOf } from './listen-targets.ts';
import type { ResolvedOptions } from './options.ts';

export interface HttpProtocol {
  readonly addresses: readonly HttpAddress[];
  /** Takes no more jobs; running ones are still answered. */
  drain(): void;
  close(): void;
}

/** Binds. Rejects with ListenError, which is lasting for addresses in `own`; then no address stays bound. */
export async function openHttp(
  core: ThreadCore,
  options: ResolvedOptions,
  firstMessageQueues: FirstMessageQueues,
  own: readonly BoundAddress[],
): Promise<HttpProtocol> {
  const gateway = new Gateway({
    endpoint: endpointInProcess({ connect: () => connect(core) }),
    account: core.account,
    bodyBytesMax: options.maxPacketSize,
    outputBytesMax: options.outputLimit,
    timeoutMs: options.httpTimeout * 1000,
    statuses: options.httpStatus,
    serverName: `Gearman/${protocolVersion()}`,
    connectionsMax: options.maxConnections,
    peerConnectionsMax: options.maxConnectionsPerAddress,
    backlog: options.backlog,
    refused: httpRefusals(core),
    firstMessageQueues,
  });
  const close = (): void => gateway.close();
  try {
    return { addresses: await bind(gateway, options, own), drain: () => gateway.drain(), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** A connection for one request. */
function connect(core: ThreadCore): InProcessStream {
  const stream = new InProcessStream();
  attachInProcess(core, stream, false);
  return stream;
}

/** Binds all addresses with the same port, even if the system chooses it. */
async function bind(
  gateway: Gateway,
  options: ResolvedOptions,
  own: readonly BoundAddress[],
): Promise<HttpAddress[]> {
  const targets = await targetsOf({}, options);
  const hosts = targets.flatMap((target) => ('host' in target ? [target.host] : []));
  // A server that listens on Unix sockets only serves HTTP to this machine only.
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
