import { withView } from '../../base/bytes.ts';

/** Bytes in which entries are read and written. */
export interface EntryBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export function entryBytesOf(bytes: Uint8Array): EntryBytes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bytes: withView(bytes), view };
}
