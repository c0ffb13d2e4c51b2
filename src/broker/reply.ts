/** Replies with fixed bytes. */
import { copyBytes } from '../base/bytes.ts';
import { packetOf } from '../protocol/encode.ts';
import { Packet } from '../protocol/packets.ts';
import type { Outbox } from './outbox.ts';
import type { Peer } from './peer.ts';

const NO_JOB_PACKET = packetOf(Packet.NO_JOB, '');

/** Sends a whole packet as reply `replyId`; see `Outbox.reply`. */
export function replyWith(outbox: Outbox, peer: Peer, replyId: number, packet: Uint8Array): void {
  outbox.reply(peer, replyId, packet.length, 0, 0);
  copyBytes(outbox.bytes, outbox.at, packet, 0, packet.length);
}

export function replyNoJob(outbox: Outbox, peer: Peer, replyId: number): void {
  replyWith(outbox, peer, replyId, NO_JOB_PACKET);
}
