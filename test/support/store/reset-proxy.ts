/**
 * A TCP proxy before a database: it resets connections, withholds answers so that a client cannot know the outcome of
 * its last request, and refuses connections for a while. Rule: the database has given the withheld answers.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly target: Socket;
}

export class ResetProxy {
  readonly port: number;
  /** New connections are reset at once. */
  isShut = false;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #words = '';
  #swallowed: (() => void) | null = null;

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => {
      if (this.isShut) client.resetAndDestroy();
      else this.#join(client, connect(targetPort, '127.0.0.1'));
    });
  }

  static start(targetPort: number): Promise<ResetProxy> {
    const server = createServer();
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(new ResetProxy(server, targetPort)));
    });
  }

  /** Both ends of all connections, by RST. */
  reset(): void {
    for (const { client, target } of this.#pairs) {
      client.resetAndDestroy();
      target.resetAndDestroy();
    }
  }

  /**
   * The next answer to a request that has `words` in it is kept back, and all connections are reset. Resolves when that
   * has happened.
   */
  swallowAnswerTo(words: string): Promise<void> {
    this.#words = words;
    return new Promise((resolve) => {
      this.#swallowed = resolve;
    });
  }

  async close(): Promise<void> {
    this.#server.close();
    this.reset();
  }

  #join(client: Socket, target: Socket): void {
    const pair = { client, target };
    this.#pairs.add(pair);
    let hasAsked = false;
    for (const socket of [client, target]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#pairs.delete(pair);
        client.destroy();
        target.destroy();
      });
    }
    client.on('data', (chunk) => {
      if (this.#swallowed !== null && chunk.includes(this.#words)) hasAsked = true;
      target.write(chunk);
    });
    target.on('data', (chunk) => {
      const swallowed = this.#swallowed;
      if (swallowed === null || !hasAsked) {
        client.write(chunk);
        return;
      }
      this.#swallowed = null;
      this.reset();
      swallowed();
    });
  }
}
