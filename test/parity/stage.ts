/**
 * A started reactor for each test of a suite, and peers that connect to it; all are closed behind the test.
 */
import type net from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import type { ReactorOptions } from '../../src/native/contract.ts';
import { type Event, Host } from './host.ts';
import { Peer } from './peer.ts';
import type { Implementation } from './peers.ts';

export const LOCALHOST = { host: '127.0.0.1', port: 0, backlog: 511 };
export const isKind = (type: number) => (event: Event) => event.type === type;
export const isLine = (text: string) => (event: Event) => event.text === `${text}\n`;

export class Stage {
  host!: Host;
  /** Port of the listener that `start` made. */
  port = 0;
  readonly #createReactor: Implementation['createReactor'];
  readonly #hosts: Host[] = [];
  readonly #peers: Peer[] = [];

  constructor(createReactor: Implementation['createReactor']) {
    this.#createReactor = createReactor;
  }

  /** Makes `host` anew, with other options. */
  async start(options: Partial<ReactorOptions> = {}): Promise<void> {
    this.host = new Host(this.#createReactor, options);
    this.#hosts.push(this.host);
    ({ port: this.port } = await this.host.reactor.listen(LOCALHOST));
  }

  async connect(to: net.NetConnectOpts = { port: this.port, host: '127.0.0.1' }): Promise<Peer> {
    const peer = await Peer.connect(to);
    this.#peers.push(peer);
    return peer;
  }

  async end(): Promise<void> {
    for (const peer of this.#peers.splice(0)) peer.socket.destroy();
    for (const host of this.#hosts.splice(0)) await host.reactor.destroy();
  }
}

/** Inside `describe`: a stage whose host is started for each test. */
export function useStage({ createReactor }: Implementation): Stage {
  const stage = new Stage(createReactor);
  beforeEach(() => stage.start());
  afterEach(() => stage.end());
  return stage;
}
