/**
 * Listens on TLS ports, where peers wait until their ClientHello is complete. With the addon they wait in its
 * first-message queue, where a silent peer costs only a descriptor. With the TypeScript core they wait in the acceptor.
 * Rule: a peer counts for its address from accept on; only the acceptor thread listens.
 */
import type { FirstMessageEnd, FirstMessageOptions, FirstMessagePeer } from '../native/contract.ts';
import { admit } from '../session/connection-limits.ts';
import { assignHandshake } from '../session/cross-thread/handshakes.ts';
import type { SessionTable } from '../session/session-table.ts';
import type { TlsAcceptorOptions } from '../transport/tls/tls-acceptor.ts';
import { REFUSED } from '../transport/tls/tls-handshake.ts';
import type { NativeChoice, ThreadConfig } from './assemble.ts';
import { reportRefusal } from './tls-connections.ts';

export type SecureAddress = Pick<FirstMessageOptions, 'host' | 'port' | 'backlog' | 'v6Only'>;

export interface Listening {
  readonly port: number;
  unlisten(): void;
}

/** Binds and listens; rejects with the system's error. */
export type ListenSecurely = (address: SecureAddress) => Promise<Listening>;

/** `acceptFailed` is called with an errno name when no connection can be accepted now. */
export function secureListening(
  table: SessionTable,
  { openFirstMessageQueue }: NativeChoice,
  { tls, reactor: { keepalive, userTimeoutMs } }: ThreadConfig,
  acceptFailed: (code: string) => void,
): ListenSecurely {
  const { reactor } = table;
  return async (address) => {
    if (openFirstMessageQueue === null || tls === null) {
      const { id, port } = await reactor.listen({ ...address, isRaw: true });
      return { port, unlisten: () => reactor.unlisten(id) };
    }
    const { handshakeTimeoutMs: timeoutMs, handshakesMax: waitingMax } = tls.acceptor;
    const waiting = { awaits: 'tls', timeoutMs, waitingMax } as const;
    const queue = await openFirstMessageQueue(
      { ...address, ...waiting, keepalive, userTimeoutMs },
      {
        entered: (peer) => {
          table.incidents.nowMs = performance.now();
          const isAdmitted = admit(table, peer.address, peer.port);
          if (!isAdmitted) reactor.requestTurn();
          return isAdmitted;
        },
        whole: (peer, fd) => {
          assignHandshake(table, fd, peer.address, peer.port);
          // A turn publishes the rings.
          reactor.requestTurn();
        },
        ended: (peer, end) => refuse(table, peer, end, tls.acceptor),
        acceptFailed,
      },
    );
    return { port: queue.port, unlisten: () => void queue.close() };
  };
}

function refuse(
  table: SessionTable,
  peer: FirstMessagePeer,
  end: FirstMessageEnd,
  options: TlsAcceptorOptions,
): void {
  const { handshakeTimeoutMs, handshakesMax } = options;
  if (end.kind === 'wrong')
    reportRefusal(table, 'not_tls', peer, REFUSED.notTls(end.code, end.detail));
  else if (end.kind === 'left') reportRefusal(table, 'handshake_failed', peer, REFUSED.left);
  else if (end.kind === 'late')
    reportRefusal(table, 'handshake_timeout', peer, REFUSED.late(handshakeTimeoutMs));
  else reportRefusal(table, 'handshake_limit', peer, REFUSED.pushedOut(handshakesMax));
}
