/**
 * MySQL's option files, as far as gearmand reads them: the groups [client] and [gearmand] of /etc/my.cnf,
 * /etc/mysql/my.cnf and ~/.my.cnf, with their includes. Later files and lines win. A file that cannot be read is
 * ignored.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface MysqlDefaults {
  readonly host?: string;
  readonly port?: string;
  readonly socket?: string;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
}

const GROUPS = new Set(['client', 'client-server', 'client-mariadb', 'gearmand']);
const KEYS = new Set(['host', 'port', 'socket', 'user', 'password', 'database']);
const DEPTH_MAX = 8;

export const OPTION_FILES = ['/etc/my.cnf', '/etc/mysql/my.cnf', ...homeFile()];

/** The option file in the user's home, if there is a home: in a container, a user may be only a number. */
function homeFile(): string[] {
  try {
    return [join(homedir(), '.my.cnf')];
  } catch {
    return [];
  }
}

export function readOptionFiles(files: readonly string[] = OPTION_FILES): MysqlDefaults {
  const found: Record<string, string> = {};
  for (const file of files) readFile(file, found, 0);
  return found;
}

function readFile(file: string, found: Record<string, string>, depth: number): void {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return;
  }
  let isOurs = false;
  for (const line of text.split('\n').map((each) => each.trim())) {
    const group = /^\[([^\]]+)\]/.exec(line)?.[1];
    const included = /^!(include|includedir)\s+(.+)$/.exec(line);
    if (group !== undefined) isOurs = GROUPS.has(group.trim());
    else if (included !== null && depth < DEPTH_MAX)
      for (const each of filesOf(included[1] as string, included[2] as string))
        readFile(each, found, depth + 1);
    else if (isOurs) readLine(line, found);
  }
}

function filesOf(kind: string, path: string): string[] {
  if (kind === 'include') return [path];
  try {
    const names = readdirSync(path).filter((name) => name.endsWith('.cnf'));
    return names.sort().map((name) => join(path, name));
  } catch {
    return [];
  }
}

/** `key = value`, `key = "value" # comment`. */
function readLine(line: string, found: Record<string, string>): void {
  const parts = /^([a-z_-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^#]*))/.exec(line);
  const key = parts?.[1];
  if (parts === null || key === undefined || !KEYS.has(key)) return;
  found[key] = (parts[2] ?? parts[3] ?? parts[4] ?? '').trim();
}
