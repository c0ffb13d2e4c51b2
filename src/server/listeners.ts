/**
 * The listeners of one server: binds all addresses of a request or none, and closes them. Rule: after a failed attempt
 * none of our sockets stays, and a Unix socket's file is removed with its listener.
 */
import { rmSync } from 'node:fs';
import { isIP } from 'node:net';
import { type Logger, LogLevel } from '../base/logger.ts';
import type { ListenAddress, Reactor } from '../native/contract.ts';
import type { Listening, ListenSecurely } from '../shard/tls-listener.ts';
import { type BoundAddress, listenError } from './listen-error.ts';
import { removeStaleSocket, type Target } from './listen-targets.ts';
import type { ServerAddress } from './types.ts';

export interface ListenersOptions {
  readonly backlog: number;
  readonly socketMode: number;
  /** Throws when the server is ending and no longer listens. */
  refuseClosed(): void;
  /** Listens for peers that begin with a handshake. */
  readonly listenSecurely: ListenSecurely;
  /** Other addresses on which this server listens. */
  otherAddresses(): readonly BoundAddress[];
}

interface Bound {
  readonly address: ServerAddress;
  unlisten(): void;
}

export class Listeners {
  readonly #reactor: Reactor;
  readonly #log: Logger;
  readonly #options: ListenersOptions;
  readonly #bound = new Set<Bound>();

  constructor(reactor: Reactor, log: Logger, options: ListenersOptions) {
    this.#reactor = reactor;
    this.#log = log;
    this.#options = options;
  }

  /** The addresses of this server, each with the option that names it. */
  get boundAddresses(): BoundAddress[] {
    return this.addresses.map((at) => ({ option: '--listen', at }));
  }

  /** In the order of binding. */
  get addresses(): ServerAddress[] {
    return [...this.#bound].map(({ address }) => address);
  }

  /**
   * Binds every target, then calls `openMore`. Rejects with ListenError or the error of `refuseClosed`; then none of
   * them stays bound.
   */
  async open(targets: readonly Target[], openMore: () => Promise<void>): Promise<void> {
    const opened: Bound[] = [];
    try {
      for (const target of targets) {
        const bound = await this.#bindIfPossible(target, opened.length > 0);
        if (bound !== null) opened.push(bound);
      }
      await openMore();
    } catch (error) {
      for (const bound of opened) this.#close(bound);
      throw error;
    }
  }

  closeAll(): void {
    for (const bound of this.#bound) this.#close(bound);
  }

  /** Binds one address. On a machine without IPv6, an IPv6 address is skipped when another one is bound: null. */
  async #bindIfPossible(target: Target, isAnotherBound: boolean): Promise<Bound | null> {
    try {
      return await this.#bind(target);
    } catch (cause) {
      const place = { option: 'path' in target ? '--listen' : '--port or --listen', at: target };
      const error = listenError(place, cause, [
        ...this.boundAddresses,
        ...this.#options.otherAddresses(),
      ]);
      if ((error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT' || !isAnotherBound) throw error;
      this.#log.log(LogLevel.INFO, `not listening: ${error.message}`);
      return null;
    }
  }

  async #bind(target: Target): Promise<Bound> {
    const { backlog, socketMode, listenSecurely } = this.#options;
    if ('path' in target) {
      const { path } = target;
      await removeStaleSocket(path);
      this.#options.refuseClosed();
      const { unlisten } = await this.#listen({ path, mode: socketMode, backlog });
      return this.#add({ path }, unlisten);
    }
    this.#options.refuseClosed();
    const { host, group, isSecure } = target;
    // All addresses of one request share the port that the system chose for the first.
    const port = target.port === 0 ? this.#chosenPort(group) : target.port;
    const wanted = { host, port, backlog, v6Only: isIP(host) === 6 };
    const bound = await (isSecure === true ? listenSecurely(wanted) : this.#listen(wanted));
    const secure = isSecure === undefined ? {} : { isSecure };
    return this.#add({ host, port: bound.port, ...secure, group }, bound.unlisten);
  }

  async #listen(address: ListenAddress): Promise<Listening> {
    const { id, port } = await this.#reactor.listen(address);
    return { port, unlisten: () => this.#reactor.unlisten(id) };
  }

  /** A listener that is bound while the server ends is closed at once. */
  #add(address: ServerAddress, unlisten: () => void): Bound {
    const bound = { address, unlisten };
    this.#bound.add(bound);
    try {
      this.#options.refuseClosed();
    } catch (error) {
      this.#close(bound);
      throw error;
    }
    return bound;
  }

  #close(bound: Bound): void {
    this.#bound.delete(bound);
    bound.unlisten();
    if ('path' in bound.address) rmSync(bound.address.path, { force: true });
  }

  #chosenPort(group: number): number {
    for (const { address } of this.#bound)
      if ('port' in address && address.group === group) return address.port;
    return 0;
  }
}
