/**
 * Loopback ports for servers that get theirs by a command line, where port 0 would not do.
 * Rule: none of the ports that the system gives away by itself (to outgoing connections and for port 0), or a test in
 * another process could meet this one's server.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const PORT_MIN = 10_000;
/** Linux's default, where the system does not say. */
const EPHEMERAL_MIN = 32_768;

function firstEphemeral() {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1').split(/\s/)[0]);
  } catch {
    return EPHEMERAL_MIN;
  }
}

const portEnd = Math.max(firstEphemeral(), PORT_MIN + 10_000);
/** Each process begins elsewhere and takes one after the other, so two rarely try the same at the same time. */
let next = randomInt(PORT_MIN, portEnd);

/**
 * A port of 127.0.0.1 that was free a moment ago and that this process has not been given before.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (;;) {
    const port = next;
    next = port + 1 < portEnd ? port + 1 : PORT_MIN;
    if (await isFree(port)) return port;
  }
}

/** @param {number} port */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
