/**
 * A started reactor for each test of a suite, and peers that connect to it; all are closed behind the test.
 */
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import type { ReactorOptions } from '../../src/native/contract.ts';
import type { StreamReactor } from '../../src/transport/stream-connection.ts';
import { type Event, Host } from './host.ts';
import { Peer } from './peer.ts';
import type { Carrier } from './peers.ts';

export const LOCALHOST = { host: '127.0.0.1', port: 0, backlog: 511 };
export const isKind = (type: number) => (event: Event) => event.type === type;
export const isLine = (text: string) => (event: Event) => event.text === `${text}\n`;

export class Stage {
  host!: Host;
  /** Port of the listener that `start` made. */
  port = 0;
  readonly #carrier: Pick<Carrier, 'createReactor'> & Partial<Carrier>;
  readonly #hosts: Host[] = [];
  readonly #peers: Peer[] = [];
  readonly #servers: net.Server[] = [];

  constructor(carrier: Pick<Carrier, 'createReactor'> & Partial<Carrier>) {
    this.#carrier = carrier;
  }

  /** Makes `host` anew, with other options. */
  async start(options: Partial<ReactorOptions> = {}): Promise<void> {
    this.host = new Host(this.#carrier.createReactor, options);
    this.#hosts.push(this.host);
    const { id, port } = await this.host.reactor.listen(LOCALHOST);
    this.port = this.#carrier.way === 'stream' ? await this.#listen(id) : port;
  }

  async connect(to?: net.NetConnectOpts): Promise<Peer> {
    const isInProcess = to === undefined && this.#carrier.way === 'in process';
    const peer = isInProcess
      ? Peer.inProcessPeer(this.host.reactor as StreamReactor)
      : await Peer.connect(to ?? { port: this.port, host: '127.0.0.1' });
    this.#peers.push(peer);
    return peer;
  }

  async end(): Promise<void> {
    for (const peer of this.#peers.splice(0)) peer.socket.destroy();
    for (const server of this.#servers.splice(0)) server.close();
    for (const host of this.#hosts.splice(0)) await host.reactor.destroy();
  }

  /** Attaches everybody who connects to the port that is returned, as if `listener` had accepted it. */
  async #listen(listener: number): Promise<number> {
    const reactor = this.host.reactor as StreamReactor;
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      reactor.attach(socket, { address: '127.0.0.1', port: socket.remotePort ?? 0, listener });
    });
    this.#servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as net.AddressInfo).port;
  }
}

/** Inside `describe`: a stage whose host is started for each test. */
export function useStage(carrier: Pick<Carrier, 'createReactor'> & Partial<Carrier>): Stage {
  const stage = new Stage(carrier);
  beforeEach(() => stage.start());
  afterEach(() => stage.end());
  return stage;
}
