/**
 * The files of the dashboard, from the package's own folder `dist/dashboard`. They hold no data of the server, so they
 * need no token; what they load does. Rule: read when first asked for, all of them; a name is looked up in the table of
 * files that exist and never becomes a path.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type {
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
  ServerResponse,
} from 'node:http';

/** What a page of the dashboard may load and do: its own files and this server's API; no frame, no markup from text. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'";

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Endings of the compressed forms by content coding, the smallest first. */
const CODINGS = { br: '.br', gzip: '.gz' } as const;
type Coding = keyof typeof CODINGS;

const A_YEAR_S = 31_536_000;

interface DashboardFile {
  readonly type: string;
  readonly isHashed: boolean;
  /** Of the plain bytes, without quotes. */
  readonly hash: string;
  readonly plain: Buffer;
  readonly coded: ReadonlyMap<Coding, Buffer>;
}

/** An answer with the whole file, or 304 without a body. */
export interface FileAnswer {
  readonly status: 200 | 304;
  readonly headers: OutgoingHttpHeaders;
  /** Shared by all answers: not to be changed. */
  readonly body: Buffer;
}

const NOTHING = Buffer.alloc(0);
const packaged = new URL('../dashboard/', import.meta.url);

export class Dashboard {
  readonly #folder: URL;
  #files: ReadonlyMap<string, DashboardFile> | null = null;

  /** `folder`: with the built files; without a built dashboard no path has an answer. */
  constructor(folder: URL = packaged) {
    this.#folder = folder;
  }

  /** Answers a GET or HEAD of one of its files, `/NAME` or `/`; false: it is none, and nothing was done. */
  respond(request: IncomingMessage, response: ServerResponse): boolean {
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    const answer = this.find(path.slice(1), request.headers);
    if (answer === null) return false;
    response.writeHead(answer.status, answer.headers);
    response.end(request.method === 'HEAD' ? undefined : answer.body);
    return true;
  }

  /**
   * The answer to a request for `path`, relative to where the dashboard is: empty for the page itself. Null: there is no
   * such file. Throws the system's error when a file that exists cannot be read.
   */
  find(path: string, headers: IncomingHttpHeaders): FileAnswer | null {
    this.#files ??= readFiles(this.#folder);
    const file = this.#files.get(path === '' ? 'index.html' : path);
    if (file === undefined) return null;
    const coding = codingFor(headers['accept-encoding'], file);
    const etag = `"${file.hash}${coding === null ? '' : `-${coding}`}"`;
    const answer: OutgoingHttpHeaders = {
      'Content-Type': file.type,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Content-Security-Policy': CONTENT_SECURITY_POLICY,
      'Cross-Origin-Resource-Policy': 'same-origin',
      Vary: 'Accept-Encoding',
      ETag: etag,
      'Cache-Control': cachingOf(file),
    };
    if (isKnown(headers['if-none-match'], etag))
      return { status: 304, headers: answer, body: NOTHING };
    const body = (coding !== null && file.coded.get(coding)) || file.plain;
    answer['Content-Length'] = body.length;
    if (coding !== null) answer['Content-Encoding'] = coding;
    return { status: 200, headers: answer, body };
  }
}

/** A name with a hash never changes its content; the page names the others and must be of now. */
function cachingOf({ type, isHashed }: DashboardFile): string {
  if (isHashed) return `public, max-age=${A_YEAR_S}, immutable`;
  return type === TYPES.html ? 'no-store' : 'no-cache';
}

function readFiles(folder: URL): ReadonlyMap<string, DashboardFile> {
  const files = new Map<string, DashboardFile>();
  const names = namesIn(folder);
  const read = (name: string): Buffer => readFileSync(new URL(name, folder));
  for (const name of names) {
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
    if (type === undefined) continue;
    const plain = read(name);
    const coded = new Map<Coding, Buffer>();
    for (const [coding, ending] of Object.entries(CODINGS) as [Coding, string][])
      if (names.includes(name + ending)) coded.set(coding, read(name + ending));
    const hash = createHash('sha256').update(plain).digest('base64url').slice(0, 22);
    files.set(name, { type, isHashed: /-[0-9a-f]{10}\./.test(name), hash, plain, coded });
  }
  return files;
}

function namesIn(folder: URL): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The smallest form that the reader takes; null: the plain one. */
function codingFor(accepted: string | string[] | undefined, file: DashboardFile): Coding | null {
  const words = String(accepted ?? '')
    .toLowerCase()
    .split(',')
    .map((word) => word.trim().split(/\s*;\s*q\s*=\s*/));
  for (const coding of file.coded.keys()) {
    const found = words.find(([name]) => name === coding);
    if (found !== undefined && Number(found[1] ?? 1) > 0) return coding;
  }
  return null;
}

function isKnown(known: string | undefined, etag: string): boolean {
  if (known === undefined) return false;
  return known.split(',').some((word) => word.trim().replace(/^W\//, '') === etag);
}
