/** Values in statements of MySQL, written as hexadecimal literals so that no byte is ever read as SQL. */
import { asBuffer } from '../../as-buffer.ts';

export function hex(bytes: Uint8Array): string {
  return `X'${asBuffer(bytes).toString('hex')}'`;
}

/** A literal or NULL. */
export function hexOrNull(bytes: Uint8Array | null): string {
  return bytes === null ? 'NULL' : hex(bytes);
}

/** Bytes as the driver gives them. */
export function bytesOf(value: Buffer | string | null): Uint8Array | null {
  return typeof value === 'string' ? Buffer.from(value) : value;
}
