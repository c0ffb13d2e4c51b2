/**
 * libpq's connection strings, `key=value ...` with quotes or a URI, and the PG variables, as settings of the driver.
 * Rule: an unsupported word is an error, never ignored silently.
 */

import { existsSync, readFileSync } from 'node:fs';
import { loginUser } from '../login-user.ts';

/** Settings of the driver. */
export interface PostgresConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password?: string;
  readonly ssl: false | object;
  readonly options?: string;
  readonly applicationName: string;
  readonly connectMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** libpq's words by the variable that is their default. */
const VARIABLES = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  dbname: 'PGDATABASE',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  options: 'PGOPTIONS',
  application_name: 'PGAPPNAME',
  connect_timeout: 'PGCONNECT_TIMEOUT',
} as const;
/** Accepted without effect. */
const WITHOUT_MEANING = new Set([
  'client_encoding',
  'fallback_application_name',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'gssencmode',
  'channel_binding',
  'target_session_attrs',
]);
const SOCKET_FOLDER = '/var/run/postgresql';
const PORT = 5432;
const CONNECT_SECONDS = 10;

type Word = keyof typeof VARIABLES;
type Words = Partial<Record<Word, string>>;

/** Throws an Error that names the invalid part of `text`. `text` null: only the variables and libpq's defaults. */
export function readConninfo(
  text: string | null,
  env: Environment = process.env,
): PostgresConnection {
  const given =
    text === null ? {} : /^postgres(ql)?:\/\//.test(text) ? fromUri(text) : fromWords(text);
  const words: Words = {};
  for (const word of Object.keys(VARIABLES) as Word[]) {
    const value = given[word] || env[VARIABLES[word]];
    if (value !== undefined && value !== '') words[word] = value;
  }
  const port = Number(words.port ?? PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`--libpq-conninfo: port ${words.port} is none`);
  const user = words.user ?? loginUser('user in --libpq-conninfo');
  return {
    host: hostOf(words, port),
    port,
    user,
    database: words.dbname ?? user,
    ...(words.password !== undefined && { password: words.password }),
    ssl: sslOf(words),
    ...(words.options !== undefined && { options: words.options }),
    applicationName: words.application_name ?? 'gearmand',
    connectMs: 1000 * (Number(words.connect_timeout ?? CONNECT_SECONDS) || CONNECT_SECONDS),
  };
}

function hostOf(words: Words, port: number): string {
  const host = words.hostaddr ?? words.host;
  if (host?.includes(',')) throw new Error(`--libpq-conninfo: one host is served, not ${host}`);
  if (host !== undefined) return host;
  return existsSync(`${SOCKET_FOLDER}/.s.PGSQL.${port}`) ? SOCKET_FOLDER : 'localhost';
}

function sslOf({ sslmode, sslrootcert, sslcert, sslkey }: Words): false | object {
  const mode = sslmode ?? 'prefer';
  if (mode === 'disable' || mode === 'allow' || mode === 'prefer') return false;
  if (mode !== 'require' && mode !== 'verify-ca' && mode !== 'verify-full')
    throw new Error(`--libpq-conninfo: there is no sslmode ${mode}`);
  return {
    rejectUnauthorized: mode !== 'require' || sslrootcert !== undefined,
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(sslrootcert !== undefined && { ca: readFileSync(sslrootcert) }),
    ...(sslcert !== undefined && { cert: readFileSync(sslcert) }),
    ...(sslkey !== undefined && { key: readFileSync(sslkey) }),
  };
}

function add(words: Words, word: string, value: string): void {
  if (word in VARIABLES) words[word as Word] = value;
  else if (!WITHOUT_MEANING.has(word))
    throw new Error(`--libpq-conninfo: the word ${word} is not served`);
}

/** `key = 'it''s \'quoted\''`: blanks around the sign, quotes, and backslashes before a quote or a backslash. */
function fromWords(text: string): Words {
  const words: Words = {};
  const pattern = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/gsy;
  let end = 0;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    end = pattern.lastIndex;
    add(words, found[1] as string, (found[2] ?? found[3] ?? '').replace(/\\(.)/gs, '$1'));
  }
  // The text is not repeated in the error: it may contain a password.
  if (text.slice(end).trim() !== '')
    throw new Error(`--libpq-conninfo: not understood from character ${end + 1} on`);
  return words;
}

function fromUri(text: string): Words {
  // URL does not accept one without a host, as in postgresql:///jobs.
  const found = /^[a-z]+:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(text);
  if (found === null) throw new Error('--libpq-conninfo: the URI is not understood');
  const [, login = '', place = '', database = '', query = ''] = found;
  const words: Words = {};
  const at = login.indexOf(':');
  const put = (word: string, value: string): void => {
    if (value !== '') add(words, word, decodeURIComponent(value));
  };
  put('user', at < 0 ? login : login.slice(0, at));
  put('password', at < 0 ? '' : login.slice(at + 1));
  const [, host = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(place) ?? [place, place];
  put('host', host.replace(/^\[|\]$/g, ''));
  put('port', port);
  put('dbname', database);
  for (const pair of query.split('&')) {
    const sign = pair.indexOf('=');
    if (pair !== '') put(pair.slice(0, sign < 0 ? pair.length : sign), pair.slice(sign + 1));
  }
  return words;
}
