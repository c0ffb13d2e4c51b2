/**
 * A TCP proxy in front of a job server that cuts its first connection after a given number of bytes; later ones pass.
 * Rule: forwarded bytes reach the other side before its connection ends.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface Cut {
  /** Whose bytes are counted. */
  readonly from: 'client' | 'server';
  readonly afterBytes: number;
}

export class CuttingProxy {
  readonly address: string;
  /** The cut has happened. */
  hasCut = false;
  /** Bytes of the first connection from each side. */
  readonly counted = { client: 0, server: 0 };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, targetPort: number, cut: Cut | null) {
    this.#server = server;
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    let isFirst = true;
    server.on('connection', (client) => {
      const target = connect(targetPort, '127.0.0.1');
      this.#join(client, target, isFirst ? cut : null, isFirst);
      isFirst = false;
    });
  }

  static start(targetPort: number, cut: Cut | null): Promise<CuttingProxy> {
    const server = createServer();
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(new CuttingProxy(server, targetPort, cut)));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(client: Socket, target: Socket, cut: Cut | null, isFirst: boolean): void {
    const sides = { client, server: target };
    for (const socket of [client, target]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        target.destroy();
      });
    }
    for (const from of ['client', 'server'] as const) {
      const other = from === 'client' ? target : client;
      sides[from].on('data', (chunk) => {
        const left =
          cut?.from === from ? cut.afterBytes - this.counted[from] : Number.POSITIVE_INFINITY;
        if (isFirst) this.counted[from] += chunk.length;
        if (chunk.length <= left) other.write(chunk);
        else {
          this.hasCut = true;
          sides[from].pause();
          // Both ends are closed when the last bytes have left.
          other.end(chunk.subarray(0, left), () => {
            other.destroySoon();
            sides[from].destroy();
          });
        }
      });
    }
  }
}
