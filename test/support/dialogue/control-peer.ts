/**
 * The runner's own connection to a server on which dialogues are played. Rule: no dialogue sees it, and after each
 * case it removes the jobs and functions that the case has left.
 */
import type { WireItem } from '../packet-text.ts';
import type { TestServer } from '../servers.ts';
import type { WireConnection } from '../wire.ts';

const CLIENT_ID = '(control)';
const PATIENCE_MS = 10_000;
/** Names that can be written in a text command. */
const DROPPABLE = /^[!-~]{1,8000}$/;

export class ControlPeer {
  readonly #connection: WireConnection;
  /** Functions that stay, because no command can say their names. */
  readonly #kept = new Set<string>();

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

  /** A row of a listing that is there because of other cases or of the runner. */
  isHidden(item: WireItem): boolean {
    if (item.kind !== 'line') return false;
    const { text } = item;
    return (
      text.includes(` ${CLIENT_ID} :`) || (text.includes('\t') && this.#kept.has(firstOf(text)))
    );
  }

  /** Removes all jobs and functions, once no other peer is left. Throws Error when something stays. */
  async sweep(): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const left = await this.#sweepOnce();
      if (left.length === 0) return;
      if (performance.now() > endMs) throw new Error(`the case leaves behind:\n${left.join('\n')}`);
    }
  }

  /** Rows of what was there; nothing where text commands are refused. */
  async #sweepOnce(): Promise<string[]> {
    const jobs = await this.list('show jobs');
    if (jobs === null) return [];
    for (const row of jobs) await this.#connection.command(`cancel job ${firstOf(row)}`);
    const functions = ((await this.list('status')) ?? []).filter((row) => !this.#isKept(row));
    for (const name of functions.map(firstOf))
      if (DROPPABLE.test(name)) await this.#connection.command(`drop function ${name}`);
    const peers = ((await this.list('workers')) ?? []).filter((row) => !row.includes(CLIENT_ID));
    return [...jobs, ...functions, ...peers];
  }

  #isKept(row: string): boolean {
    if (!row.endsWith('\t0\t0\t0') || DROPPABLE.test(firstOf(row))) return false;
    this.#kept.add(firstOf(row));
    return true;
  }
}

/** The first field of a row that has several. */
const firstOf = (row: string): string => row.slice(0, row.indexOf('\t'));
