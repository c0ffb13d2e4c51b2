/**
 * `policies.json` in the state directory: what operators have changed at run time. Rule: it is replaced as a whole, by
 * a rename that is durable before the command is answered. A file that this version does not understand is never
 * changed: the server does not start.
 */
import { existsSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { escapeName, unescapeName } from '../../policy/function-name.ts';
import { type Policy, parsePolicy, showPolicy } from '../../policy/policy.ts';
import { fileReason } from '../../store/file-reason.ts';

export const POLICY_FILE = 'policies.json';
const FORMAT = 1;

/** What operators have changed of one function. */
export interface Change {
  /** Keys that were set at run time; they hide those of the options. */
  readonly policy: Policy;
  readonly isPaused: boolean;
  /** Wall-clock time at which a pause ends by itself; 0 = never. */
  readonly pausedUntilMs: number;
  readonly isDraining: boolean;
}

/** Changes by function name. */
export type Changes = ReadonlyMap<string, Change>;

interface FileEntry {
  readonly policy?: string;
  readonly paused?: boolean | number;
  readonly draining?: boolean;
}

/** The changes of a state directory; none when it has no such file. Throws when this version cannot read it. */
export function readChanges(folder: string): Map<string, Change> {
  const path = join(folder, POLICY_FILE);
  if (!existsSync(path)) return new Map();
  const damaged = (what: string) =>
    new Error(
      `option --state-dir: read ${path}: ${what}; put it back from a backup, or remove it to forget all pauses and policies that were set at run time`,
    );
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw damaged(fileReason(error));
  }
  let found: { readonly format?: unknown; readonly functions?: unknown };
  try {
    found = JSON.parse(text) as typeof found;
  } catch {
    throw damaged('it is not JSON');
  }
  if (found?.format !== FORMAT)
    throw damaged(`its format is ${found?.format}, this version reads ${FORMAT}`);
  const { functions } = found;
  if (!isRecord(functions)) throw damaged('its functions are missing');
  const changes = new Map<string, Change>();
  for (const [escaped, entry] of Object.entries(functions)) {
    const name = unescapeName(escaped);
    if (name === undefined) throw damaged(`${JSON.stringify(escaped)} is not a name`);
    try {
      changes.set(name, changeOf(entry));
    } catch (error) {
      throw damaged(`function ${escaped}: ${(error as Error).message}`);
    }
  }
  return changes;
}

/** Throws for whatever `entryOf` does not write. */
function changeOf(entry: unknown): Change {
  if (!isRecord(entry)) throw new Error('it is not an object');
  const { policy, paused = false, draining = false, ...others } = entry;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new Error(`there is no member ${JSON.stringify(unknown)}`);
  if (policy !== undefined && typeof policy !== 'string')
    throw new Error('its policy is not a text');
  const pausedUntilMs = typeof paused === 'number' ? paused : 0;
  if (typeof paused !== 'boolean' && !(pausedUntilMs > 0))
    throw new Error('paused is neither true nor a time');
  if (typeof draining !== 'boolean') throw new Error('draining is not true');
  return {
    policy: policy === undefined ? {} : parsePolicy(policy),
    isPaused: paused !== false,
    pausedUntilMs,
    isDraining: draining,
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function entryOf({ policy, isPaused, pausedUntilMs, isDraining }: Change): FileEntry {
  const text = showPolicy(policy);
  return {
    ...(text !== '' && { policy: text }),
    ...(isPaused && { paused: pausedUntilMs === 0 ? true : pausedUntilMs }),
    ...(isDraining && { draining: true }),
  };
}

/** Replaces the file; durable when it resolves. Rejects with the reason. */
export async function writeChanges(folder: string, changes: Changes): Promise<void> {
  const path = join(folder, POLICY_FILE);
  const functions = Object.fromEntries(
    [...changes].map(([name, change]) => [escapeName(name), entryOf(change)]),
  );
  try {
    await writeDurably(`${path}.new`, `${JSON.stringify({ format: FORMAT, functions })}\n`);
    await rename(`${path}.new`, path);
    const parent = await open(folder, 'r');
    try {
      await parent.sync();
    } finally {
      await parent.close();
    }
  } catch (error) {
    throw new Error(`write ${path}: ${fileReason(error)}`, { cause: error });
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
