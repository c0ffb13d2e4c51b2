/**
 * Sessions of browsers: a token is swapped for two halves, a cookie that no script can read and a word that the page
 * sends as a header. Cookies are not separated by port, so every web server of the same host receives ours: alone it is
 * worth nothing. Rule: kept in memory only, as hashes; both halves are needed; a renewal of the secrets ends them all.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Rights } from '../../session/access.ts';

const SESSIONS_MAX = 1_000;
export const SESSION_MS = 12 * 60 * 60 * 1_000;
/** The header with the half that the page keeps. */
export const HALF_HEADER = 'X-Geartrain-Session';
const HALF_BYTES = 32;

/** What a session stands for: the owner of the token, with the rights of then. */
export interface SessionOwner {
  readonly name: string;
  readonly rights: Rights;
}

export interface BrowserSession {
  readonly owner: SessionOwner;
  /** On the clock of `Sessions`, milliseconds. */
  readonly endsMs: number;
  isEnded: boolean;
}

interface Kept extends BrowserSession {
  readonly key: string;
  readonly half: Buffer;
}

export interface Halves {
  /** The value of the cookie. */
  readonly cookie: string;
  /** The value of the header. */
  readonly half: string;
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
const randomWord = (): string => randomBytes(HALF_BYTES).toString('base64url');

export class Sessions {
  /** By the hash of the cookie, the oldest first. */
  readonly #sessions = new Map<string, Kept>();
  readonly #nowMs: () => number;

  /** `nowMs`: a clock that never goes back. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Begins a session. When there are too many, the oldest one ends of the owner that has the most. */
  open(owner: SessionOwner): Halves {
    this.#endOld();
    if (this.#sessions.size >= SESSIONS_MAX) this.#end(this.#oldestOfMost());
    const [cookie, half] = [randomWord(), randomWord()];
    const key = hash(cookie).toString('base64');
    const endsMs = this.#nowMs() + SESSION_MS;
    this.#sessions.set(key, { owner, endsMs, isEnded: false, key, half: hash(half) });
    return { cookie, half };
  }

  /** The session of a request: it must have both halves. */
  of(request: IncomingMessage): BrowserSession | null {
    const half = request.headers[HALF_HEADER.toLowerCase()];
    if (typeof half !== 'string') return null;
    const hashed = hash(half);
    for (const cookie of cookiesOf(request)) {
      const session = this.#sessions.get(hash(cookie).toString('base64'));
      if (session === undefined || !timingSafeEqual(session.half, hashed)) continue;
      if (session.endsMs > this.#nowMs()) return session;
      this.#end(session);
    }
    return null;
  }

  isOpen({ isEnded, endsMs }: BrowserSession): boolean {
    return !isEnded && endsMs > this.#nowMs();
  }

  end(session: BrowserSession): void {
    this.#end(session as Kept);
  }

  /** The secrets were renewed. */
  endAll(): void {
    for (const session of [...this.#sessions.values()]) this.#end(session);
  }

  #end(session: Kept): void {
    session.isEnded = true;
    this.#sessions.delete(session.key);
  }

  /** All last equally long, so the oldest ones end first. */
  #endOld(): void {
    const now = this.#nowMs();
    for (const session of this.#sessions.values()) {
      if (session.endsMs > now) return;
      this.#end(session);
    }
  }

  #oldestOfMost(): Kept {
    const byName = new Map<string, Kept[]>();
    for (const session of this.#sessions.values()) {
      const sessions = byName.get(session.owner.name);
      if (sessions === undefined) byName.set(session.owner.name, [session]);
      else sessions.push(session);
    }
    const [most] = [...byName.values()].sort((a, b) => b.length - a.length);
    return most?.[0] as Kept;
  }
}

/** Servers of one host share its cookies: each has its own name. */
function cookieName({ socket }: IncomingMessage): string {
  return `${socket instanceof TLSSocket ? '__Host-' : ''}geartrain-${socket.localPort}`;
}

/** `Set-Cookie` with a half; null: the browser forgets it. */
export function setCookie(request: IncomingMessage, cookie: string | null): string {
  const age = cookie === null ? 0 : SESSION_MS / 1_000;
  const secure = request.socket instanceof TLSSocket ? '; Secure' : '';
  const parts = 'Path=/; HttpOnly; SameSite=Strict';
  return `${cookieName(request)}=${cookie ?? ''}; ${parts}; Max-Age=${age}${secure}`;
}

/** Another server of the host can have set one of the same name. */
function cookiesOf(request: IncomingMessage): string[] {
  const start = `${cookieName(request)}=`;
  return (request.headers.cookie ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(start))
    .map((part) => part.slice(start.length));
}
