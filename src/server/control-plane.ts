/**
 * The control port of one server: reads its token, answers for all threads, and is there before the first connection
 * and until the last one. Loaded only when `--control` asks for it.
 */
import { readFile } from 'node:fs/promises';
import { LogLevel, levelName } from '../base/logger.ts';
import { Control, type ControlSource } from '../http/control.ts';
import { collectRows, type RingDepth, type Snapshot } from '../http/snapshot.ts';
import type { Home } from '../session/home.ts';
import type { ThreadStats } from '../session/questions.ts';
import type { ControlAddress } from './options/control-rows.ts';

const TOKEN_CHARS_MIN = 16;

/** What the control port needs of its server. */
export interface ControlledServer {
  readonly home: Home;
  /** Shards; 0 = the acceptor owns all functions. */
  readonly shardCount: number;
  readonly info: Readonly<Record<string, string>>;
  /** By thread; null for one that does not run. */
  askAll(): Promise<(ThreadStats | null)[]>;
  ringDepths(): RingDepth[];
  notReady(): string | null;
  readonly logLevel: number;
  setLogLevel(level: number): boolean;
}

/** Binds the control port. Rejects with the system's error, or Error for a token file that cannot be used. */
export async function openControl(
  server: ControlledServer,
  address: ControlAddress,
  tokenFile: string | null,
): Promise<{ control: Control; address: ControlAddress }> {
  const token = tokenFile === null ? null : await readToken(tokenFile);
  const control = new Control(sourceOf(server), token);
  return { control, address: await control.listen(address.host, address.port) };
}

async function readToken(file: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`read the control token ${file}: ${code ?? message}`, { cause: error });
  }
  if (text.length >= TOKEN_CHARS_MIN && !/\s/.test(text)) return text;
  throw new Error(
    `read the control token ${file}: it has ${text.length} characters, needed are at least ${TOKEN_CHARS_MIN} without blanks`,
  );
}

function sourceOf(server: ControlledServer): ControlSource {
  return {
    info: server.info,
    snapshot: () => snapshotOf(server),
    notReady: () => server.notReady(),
    logLevel: () => levelName(server.logLevel),
    setLogLevel: (name) => {
      const level = (LogLevel as Record<string, number>)[name];
      return level !== undefined && server.setLogLevel(level);
    },
  };
}

async function snapshotOf(server: ControlledServer): Promise<Snapshot> {
  const { home, shardCount } = server;
  const owners = shardCount === 0 ? [0] : Array.from({ length: shardCount }, (_, i) => i + 1);
  const rows = await collectRows(home, owners);
  const threads = await server.askAll();
  const incidents = new Map<string, number>();
  for (const stats of threads)
    for (const [reason, count] of Object.entries(stats?.incidents ?? {}))
      incidents.set(reason, (incidents.get(reason) ?? 0) + count);
  return { rows, threads, rings: server.ringDepths(), incidents };
}
