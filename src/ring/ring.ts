/** A single-producer single-consumer ring of records between two threads: its two ends in one place. */

export { type ReaderHooks, RingReader } from './reader.ts';
export { RingWriter, type WriterHooks } from './writer.ts';
