/** Texts for unreachable job servers. */

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no job server listens there',
  ECONNRESET: 'the server closed the connection',
  EPIPE: 'the server closed the connection',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOENT: 'there is no such socket',
  EACCES: 'not permitted',
  ...certificateWords(),
};

/** OpenSSL's reasons to distrust a server's certificate, with one sentence for all: the remedy is the same. */
function certificateWords(): Record<string, string> {
  const codes = [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ];
  const words =
    'its certificate is not signed by an authority that is trusted here; name that with --tls-ca';
  return Object.fromEntries(codes.map((code) => [code, words]));
}

/** The reason for a failure in words, with the system's code if there is one. */
export function reasonOf(error: unknown): string {
  const { code, message, errors } = error as NodeJS.ErrnoException & { errors?: unknown[] };
  // A name with several addresses fails with one error for each of them.
  if (message === '' && errors !== undefined && errors.length > 0) return reasonOf(errors[0]);
  const words = code === undefined ? undefined : WORDS[code];
  if (words !== undefined) return `${words} (${code})`;
  return message || code || String(error);
}

/** No job server can be reached, or none is left. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}
