/** Certificates, keys and settings of a TLS server. Plain data: read once, and sent to the threads. */
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';

export interface TlsMaterial {
  /** PEM: the server's certificate and its intermediate certificates. */
  readonly cert: string;
  readonly key: string;
  /** PEM: the authorities of client certificates; null: clients are not asked for one. */
  readonly clientCa: string | null;
  /** Whether a client without a certificate is refused. */
  readonly isClientCertRequired: boolean;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Keys of session tickets, the same in all threads, so that every thread can resume a session. */
  readonly ticketKeys: Uint8Array;
}

/** Prevents tickets of another program from being accepted when clients are asked for certificates. */
const SESSION_CONTEXT = 'geartrain';

/** Throws OpenSSL's error when the material is inconsistent. */
export function contextOf(material: TlsMaterial): SecureContext {
  return createSecureContext(contextOptionsOf(material));
}

/** The material as options of node:tls. */
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
