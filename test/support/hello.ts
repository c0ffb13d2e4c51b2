/** ClientHellos, whole records, field by field (RFC 8446, section 4.1.2). */

const counted = (bytes: Uint8Array, width: 1 | 2): Buffer => {
  const head = Buffer.alloc(width);
  head.writeUIntBE(bytes.length, 0, width);
  return Buffer.concat([head, bytes]);
};

export interface HelloFields {
  readonly version?: number;
  readonly sessionId?: Uint8Array;
  readonly suites?: Uint8Array;
  readonly methods?: Uint8Array;
  /** null: none, not even their length. */
  readonly extensions?: Uint8Array | null;
  /** Behind everything. */
  readonly rest?: Uint8Array;
}

/** One ClientHello in one record. */
export function helloOf(fields: HelloFields = {}): Buffer {
  const { version = 0x0303, sessionId = Buffer.alloc(32, 1), methods = Buffer.of(0) } = fields;
  const { suites = Buffer.of(0x13, 1, 0x13, 2), rest = Buffer.alloc(0) } = fields;
  const { extensions = Buffer.of(0, 43, 0, 3, 2, 3, 4) } = fields;
  const body = Buffer.concat([
    ...[Buffer.of(version >> 8, version & 255), Buffer.alloc(32, 7)],
    ...[counted(sessionId, 1), counted(suites, 2), counted(methods, 1)],
    ...[extensions === null ? Buffer.alloc(0) : counted(extensions, 2), rest],
  ]);
  const message = Buffer.concat([Buffer.of(1, 0, body.length >> 8, body.length & 255), body]);
  return Buffer.concat([Buffer.of(22, 3, 1), counted(message, 2)]);
}
