/**
 * The runner's own connection to a server on which dialogues are played. Rule: no dialogue sees it, and after each case
 * it takes away what the case has left: jobs and functions.
 */
import type { WireItem } from '../packet-text.ts';
import type { TestServer } from '../servers.ts';
import type { WireConnection } from '../wire.ts';

const CLIENT_ID = '(control)';
const PATIENCE_MS = 10_000;
/** What can be written in a text command. */
const DROPPABLE = /^[!-~]{1,8000}$/;

/** Its own row in the listing of connections. */
export function isControlRow(item: WireItem): boolean {
  return item.kind === 'line' && item.text.includes(` ${CLIENT_ID} :`);
}

export class ControlPeer {
  readonly #connection: WireConnection;

  private constructor(connection: WireConnection) {
    this.#connection = connection;
  }

  static async connect(server: TestServer): Promise<ControlPeer> {
    const connection = await server.connect('control');
    connection.send('SET_CLIENT_ID', CLIENT_ID);
    return new ControlPeer(connection);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** Rows of a listing, answered by all threads; null where text commands are refused. */
  async list(command: string): Promise<string[] | null> {
    const rows: string[] = [];
    for (let line = await this.#connection.command(command); line !== '.\n'; ) {
      if (line.startsWith('ERR ')) return null;
      rows.push(line.slice(0, -1));
      line = await this.#connection.line();
    }
    return rows;
  }

  /**
   * Removes all jobs and functions, once no other peer is left. False: a function stays whose name no command can say,
   * or text commands are refused. Throws Error when something else stays.
   */
  async sweep(): Promise<boolean> {
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const jobs = await this.list('show jobs');
      if (jobs === null) return false;
      for (const row of jobs) await this.#connection.command(`cancel job ${firstOf(row)}`);
      const functions = (await this.list('status')) ?? [];
      const droppable = functions.filter((row) => DROPPABLE.test(firstOf(row)));
      for (const row of droppable) await this.#connection.command(`drop function ${firstOf(row)}`);
      const peers = (await this.list('workers')) ?? [];
      const rest = functions.filter(
        (row) => !droppable.includes(row) && !row.endsWith('\t0\t0\t0'),
      );
      const left = [
        ...jobs,
        ...droppable,
        ...rest,
        ...peers.filter((row) => !row.includes(CLIENT_ID)),
      ];
      if (left.length === 0) return functions.length === 0;
      if (performance.now() > endMs) throw new Error(`the case leaves behind:\n${left.join('\n')}`);
    }
  }
}

const firstOf = (row: string): string => row.slice(0, row.indexOf('\t'));
