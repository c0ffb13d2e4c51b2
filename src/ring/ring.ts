/** A single-producer single-consumer ring of records between two threads: both ends. */

export { type ReaderHooks, RingReader } from './reader.ts';
export { RingWriter, type WriterHooks } from './writer.ts';
