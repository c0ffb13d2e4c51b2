/**
 * Cuts what a job server sends into packets. Any segmentation is taken, also in the middle of a header.
 * Errors: LinkError `ERR_GEARMAN_PROTOCOL` when the bytes are no packets.
 */
import { HEADER_BYTES } from '../protocol/limits.ts';
import { PACKET_TYPE_MAX, PACKETS, type PacketShape } from '../protocol/packets.ts';
import { LinkError } from './link-error.ts';

/** One packet; bytes are the receiver's own. */
export interface ReceivedPacket {
  readonly type: number;
  /** The arguments of the type, without their NULs; a missing one is empty. */
  readonly args: readonly Uint8Array[];
  readonly data: Uint8Array;
}

const MAGIC_RES = 0x00524553;

export class PacketReader {
  #chunks: Uint8Array[] = [];
  #byteCount = 0;
  #wanted = HEADER_BYTES;

  /** Takes bytes as they came; returns the packets that they complete. */
  push(bytes: Uint8Array): ReceivedPacket[] {
    this.#chunks.push(bytes);
    this.#byteCount += bytes.length;
    if (this.#byteCount < this.#wanted) return [];
    const all = Buffer.concat(this.#chunks);
    const packets: ReceivedPacket[] = [];
    let at = 0;
    for (;;) {
      this.#wanted = HEADER_BYTES;
      if (all.length - at < HEADER_BYTES) break;
      if (all.readUInt32BE(at) !== MAGIC_RES)
        throw new LinkError('ERR_GEARMAN_PROTOCOL', 'read packet: magic is not \\0RES');
      const type = all.readUInt32BE(at + 4);
      if (type < 1 || type > PACKET_TYPE_MAX)
        throw new LinkError('ERR_GEARMAN_PROTOCOL', `read packet: type is ${type}`);
      const end = at + HEADER_BYTES + all.readUInt32BE(at + 8);
      if (end > all.length) {
        this.#wanted = end - at;
        break;
      }
      packets.push(split(PACKETS[type] as PacketShape, type, all.subarray(at + HEADER_BYTES, end)));
      at = end;
    }
    this.#chunks = at === all.length ? [] : [all.subarray(at)];
    this.#byteCount = all.length - at;
    return packets;
  }
}

function split(shape: PacketShape, type: number, payload: Uint8Array): ReceivedPacket {
  const args: Uint8Array[] = [];
  let at = 0;
  for (let i = 0; i < shape.argCount; i++) {
    const isRest = i === shape.argCount - 1 && !shape.hasData;
    const nul = isRest ? -1 : payload.indexOf(0, at);
    const end = nul < 0 ? payload.length : nul;
    args.push(payload.slice(at, end));
    at = Math.min(payload.length, end + 1);
  }
  return { type, args, data: payload.slice(at) };
}
