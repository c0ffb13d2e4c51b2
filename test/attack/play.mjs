/**
 * Plays one attack against one fresh server and says what it did: whether the process ended, the most memory, the
 * longest echo of an honest peer. An attack is `{ name, about, start, growthMib, play }`:
 *
 *   start      of Server.start, without threads and core
 *   growthMib  (threads) => how many MiB of resident memory above an idle server's are allowed
 *   play       (attack: Attack) => promise; throws where the server answered what it must not
 */
import { Honest, Server } from './server.mjs';
import { Peer } from './wire.mjs';

const MIB = 1024 * 1024;
/** Buffers that the TypeScript core has dropped stay resident until V8's next full collection: seen up to 262 MiB. */
const FALLBACK_MIB = 384;
const QUIET_MS = 500;
/** No attack takes so long, unless its server does not answer any more. */
const LONGEST_ATTACK_MS = 240_000;

/** What --max-memory `mib` allows: SECURITY.md. */
export const limited = (mib) => (threads) => 1.3 * mib + 24 * Math.max(1, threads);

/** What an attack is played with. */
class Attack {
  server;
  threads;
  seed;
  #scale;
  #peers = [];

  constructor(server, { threads, scale, seed }) {
    this.server = server;
    this.threads = threads;
    this.seed = seed;
    this.#scale = scale;
  }

  /** A count of the whole attack for the share that is played: at least 1. */
  scaled(count) {
    return Math.max(1, Math.round(count * this.#scale));
  }

  /** A new peer of a port of the server, closed at the end of the attack; with TLS on that port unless `isRaw`. */
  async peer({ on = 'plain', isRaw = false } = {}) {
    const tls = on === 'tls' && !isRaw;
    const peer = await Peer.connect(this.server.ports[on], { tls });
    this.#peers.push(peer);
    return peer;
  }

  peers(count, options) {
    return Promise.all(Array.from({ length: count }, () => this.peer(options)));
  }

  /** Throws unless `isTrue`. */
  check(isTrue, what) {
    if (!isTrue) throw new Error(what);
  }

  leave() {
    for (const peer of this.#peers) peer.socket.destroy();
  }
}

/**
 * Result: `ending` null while the server lives, `growthMib` and `allowedMib`, `longestMs` and `quietMs` of the honest
 * peer's echoes, `fault` null or what went wrong, `seconds`.
 */
export async function play(attack, { threads, isNative, scale, seed }) {
  const server = await Server.start({ threads, isNative, ...attack.start });
  const honest = await Honest.start(server.ports.plain);
  const allowedMib = attack.growthMib(threads) + (isNative ? 0 : FALLBACK_MIB);
  try {
    await honest.report();
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    const quietMs = (await honest.report()).longestMs;
    server.forgetPeak();
    const idleBytes = server.residentBytes;
    const begun = performance.now();
    const context = new Attack(server, { threads, scale, seed });
    let fault = null;
    try {
      await within(LONGEST_ATTACK_MS, attack.play(context));
    } catch (error) {
      fault = error.message;
    }
    // What an end of the connections costs belongs to the attack.
    context.leave();
    if (server.ending === null && !(await isServing(server))) fault ??= 'a new peer is not served';
    const { longestMs, isClosed } = await honest.report();
    if (isClosed) fault ??= 'the honest peer was closed';
    return {
      ending: server.ending,
      growthMib: (server.peakBytes - idleBytes) / MIB,
      allowedMib,
      longestMs,
      quietMs,
      fault: server.ending === null ? fault : `the server has ended: ${server.ending}`,
      seconds: (performance.now() - begun) / 1000,
      log: server.log,
    };
  } finally {
    await honest.stop();
    await server.stop();
  }
}

/** Rejects when `promise` takes longer than `ms`. */
async function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${ms / 1000} s`)), ms);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a new peer gets an answer, tried for some seconds: descriptors come back step by step. */
async function isServing(server) {
  for (let attempt = 0; attempt < 100 && server.ending === null; attempt++) {
    const peer = await Peer.connect(server.ports.plain);
    const isAnswered = await peer.barrier();
    peer.socket.destroy();
    if (isAnswered) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}
