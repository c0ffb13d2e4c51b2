/** What a thread needs to speak TLS as a server. Plain data: it is read once, and sent to the threads. */
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';

export interface TlsMaterial {
  /** PEM: the server's certificate and those between it and a root. */
  readonly cert: string;
  readonly key: string;
  /** PEM of those who may sign the certificates of clients; null asks for none. */
  readonly clientCa: string | null;
  /** Whether a client without a certificate is refused. */
  readonly isClientCertRequired: boolean;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Keys of session tickets, the same in all threads, so that a session is resumed in any of them. */
  readonly ticketKeys: Uint8Array;
}

/** Tickets of another program must not be taken when clients are asked for certificates. */
const SESSION_CONTEXT = 'geartrain';

/** Throws what OpenSSL says when the material does not fit together. */
export function contextOf(material: TlsMaterial): SecureContext {
  return createSecureContext(contextOptionsOf(material));
}

/** The material as node:tls takes it. */
export function contextOptionsOf(material: TlsMaterial): SecureContextOptions {
  const { cert, key, clientCa, minVersion, ticketKeys } = material;
  return {
    cert,
    key,
    minVersion,
    ticketKeys: Buffer.from(ticketKeys),
    sessionIdContext: SESSION_CONTEXT,
    honorCipherOrder: true,
    ...(clientCa !== null && { ca: clientCa }),
  };
}
