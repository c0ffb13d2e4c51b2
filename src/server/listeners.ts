/**
 * The listeners of one server: binds all addresses of a request or none, and takes them down again.
 * Rule: whoever tries again must not meet a socket of our own, and a Unix socket's file goes with its listener.
 */
import { rmSync } from 'node:fs';
import { isIP } from 'node:net';
import { type Logger, LogLevel } from '../base/logger.ts';
import type { ListenAddress, Reactor } from '../native/contract.ts';
import { removeStaleSocket, type Target } from './listen-targets.ts';
import type { ServerAddress } from './types.ts';

export interface ListenersOptions {
  readonly backlog: number;
  readonly socketMode: number;
  /** Throws when the server ends: it does not listen any more. */
  refuseClosed(): void;
}

export class Listeners {
  readonly #reactor: Reactor;
  readonly #log: Logger;
  readonly #options: ListenersOptions;
  readonly #bound = new Map<number, ServerAddress>();

  constructor(reactor: Reactor, log: Logger, options: ListenersOptions) {
    this.#reactor = reactor;
    this.#log = log;
    this.#options = options;
  }

  /** In the order in which they were bound. */
  get addresses(): ServerAddress[] {
    return [...this.#bound.values()];
  }

  /** Binds every target. Rejects with the system's error, or what `refuseClosed` throws; then none of them is bound. */
  async open(targets: readonly Target[]): Promise<void> {
    const opened: number[] = [];
    try {
      for (const target of targets) {
        const id = await this.#bindIfPossible(target, opened.length > 0);
        if (id !== null) opened.push(id);
      }
    } catch (error) {
      for (const id of opened) this.#close(id);
      throw error;
    }
  }

  closeAll(): void {
    for (const id of [...this.#bound.keys()]) this.#close(id);
  }

  /** Binds one address. On a machine without IPv6 its address is left out where another one is bound: null. */
  async #bindIfPossible(target: Target, isAnotherBound: boolean): Promise<number | null> {
    try {
      return await this.#bind(target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT' || !isAnotherBound) throw error;
      this.#log.log(LogLevel.INFO, `not listening: ${(error as Error).message}`);
      return null;
    }
  }

  async #bind(target: Target): Promise<number> {
    const { backlog, socketMode } = this.#options;
    if ('path' in target) {
      const { path } = target;
      await removeStaleSocket(path);
      return this.#listen({ path, mode: socketMode, backlog }, () => ({ path }));
    }
    const { host, group, isSecure } = target;
    // All addresses of one request share the port that the system chose for the first.
    const port = target.port === 0 ? this.#chosenPort(group) : target.port;
    const address = { host, port, backlog, v6Only: isIP(host) === 6, isRaw: isSecure === true };
    return this.#listen(address, (bound) => ({
      host,
      port: bound,
      ...(isSecure && { isSecure }),
      group,
    }));
  }

  /** Returns the listener's id. One that is bound while the server ends is taken down at once. */
  async #listen(address: ListenAddress, named: (port: number) => ServerAddress): Promise<number> {
    this.#options.refuseClosed();
    const { id, port } = await this.#reactor.listen(address);
    this.#bound.set(id, named(port));
    try {
      this.#options.refuseClosed();
    } catch (error) {
      this.#close(id);
      throw error;
    }
    return id;
  }

  #close(id: number): void {
    const address = this.#bound.get(id);
    this.#bound.delete(id);
    this.#reactor.unlisten(id);
    if (address !== undefined && 'path' in address) rmSync(address.path, { force: true });
  }

  #chosenPort(group: number): number {
    for (const address of this.#bound.values())
      if ('port' in address && address.group === group) return address.port;
    return 0;
  }
}
