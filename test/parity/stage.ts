/**
 * A started reactor for each test of a suite, and peers that connect to it; all are closed behind the test.
 */
import type net from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import type { ReactorOptions } from '../../src/native/contract.ts';
import { type Event, Host } from './host.ts';
import { Peer } from './peer.ts';
import type { Carrier, InProcessReactor } from './peers.ts';

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

  constructor(carrier: Pick<Carrier, 'createReactor'> & Partial<Carrier>) {
    this.#carrier = carrier;
  }

  /** Makes `host` anew, with other options. */
  async start(options: Partial<ReactorOptions> = {}): Promise<void> {
    this.host = new Host(this.#carrier.createReactor, options);
    this.#hosts.push(this.host);
    ({ port: this.port } = await this.host.reactor.listen(LOCALHOST));
  }

  async connect(to?: net.NetConnectOpts): Promise<Peer> {
    const isInProcess = to === undefined && this.#carrier.isInProcess === true;
    const peer = isInProcess
      ? Peer.inProcessPeer(this.host.reactor as InProcessReactor)
      : await Peer.connect(to ?? { port: this.port, host: '127.0.0.1' });
    this.#peers.push(peer);
    return peer;
  }

  async end(): Promise<void> {
    for (const peer of this.#peers.splice(0)) peer.socket.destroy();
    for (const host of this.#hosts.splice(0)) await host.reactor.destroy();
  }
}

/** Inside `describe`: a stage whose host is started for each test. */
export function useStage(carrier: Pick<Carrier, 'createReactor'> & Partial<Carrier>): Stage {
  const stage = new Stage(carrier);
  beforeEach(() => stage.start());
  afterEach(() => stage.end());
  return stage;
}
