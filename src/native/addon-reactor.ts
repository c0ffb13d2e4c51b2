/**
 * The native reactor of the contract. This class has the methods that need more than one call of the addon; all other
 * methods are the addon's (bindings.ts). Rule: it has no state of its own.
 */
import { getSystemErrorName } from 'node:util';
import { unsentColumn } from '../protocol/batch.ts';
import { checked } from './addon-errors.ts';
import { decoderSettings, optionNumbers, shapeBytes } from './addon-settings.ts';
import { type Bindings, NativeReactor } from './bindings.ts';
import type { ListenAddress, Reactor, ReactorOptions } from './contract.ts';
import { ipOf } from './ip-of.ts';

/** A reactor on the loop of the calling thread. */
export class AddonReactor extends NativeReactor implements Reactor {
  readonly kind = 'addon';
  readonly arena: Uint8Array;
  readonly rows: Int32Array;
  readonly out: Uint8Array;
  readonly outRows: Int32Array;
  readonly control: Int32Array;
  readonly unsent = unsentColumn();

  readonly #closed: Promise<void>;

  /**
   * While ids are reserved, `onOutput` is called before the addon takes output; it removes the output for these ids.
   */
  constructor(native: Bindings, options: ReactorOptions, onOutput: () => void = () => {}) {
    super();
    let onClosed = (): void => {};
    this.#closed = new Promise((resolve) => {
      onClosed = resolve;
    });
    const parts = native.createReactor(
      decoderSettings(options.hashSeed, options.packetBytesMax),
      shapeBytes(),
      optionNumbers(options),
      options.onTurn,
      (errno) => options.onListenError(getSystemErrorName(errno)),
      onClosed,
      onOutput,
      this.unsent,
    );
    this.handle = parts.handle;
    this.arena = parts.arena;
    this.rows = parts.rows;
    this.out = parts.out;
    this.outRows = parts.outRows;
    this.control = parts.control;
  }

  async listen(address: ListenAddress): Promise<{ id: number; port: number }> {
    if ('path' in address) {
      const { path, mode, backlog } = address;
      const id = checked(this.listenPath(path, mode, backlog), 'listen', path);
      return { id, port: 0 };
    }
    const { host, port, backlog, v6Only = true } = address;
    const ip = await ipOf(host);
    const result = this.listenIp(ip, port, backlog, v6Only);
    const id = checked(result, 'listen', `${host} port ${port}`);
    return { id, port: this.listenerPort(id) };
  }

  destroy(): Promise<void> {
    this.startDestroy();
    return this.#closed;
  }
}
