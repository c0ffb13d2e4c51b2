/** Tells the watchers of a job that it has failed. */
import { writeHeader } from '../protocol/encode.ts';
import { HEADER_BYTES } from '../protocol/limits.ts';
import { Packet } from '../protocol/packets.ts';
import type { Peer } from './peer.ts';
import type { BrokerState } from './state.ts';

/** WORK_FAIL to every watcher; its payload is the handle without a NUL. */
export function notifyFail(broker: BrokerState, job: number): void {
  broker.jobs.watchers.forEach(job, (watcher, copies) => failTo(broker, watcher, job, copies));
}

/** Sends `copies` of WORK_FAIL to one watcher. */
export function failTo(broker: BrokerState, watcher: Peer, job: number, copies: number): void {
  const { outbox, handles } = broker;
  const handleBytes = handles.encode(job, broker.jobs.table.serial(job));
  for (let left = copies; left > 0; ) {
    left -= outbox.notify(watcher, HEADER_BYTES + handleBytes, 0, 0, left);
    const at = writeHeader(outbox.bytes, outbox.at, Packet.WORK_FAIL, handleBytes);
    handles.write(outbox.bytes, at);
  }
}
