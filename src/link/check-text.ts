/** Checks arguments of packets: a NUL would end them early. */
import { ArgumentError } from './errors.ts';

/** Throws ArgumentError unless `text` is text of at most `bytesMax` bytes without NUL. */
export function checkText(what: string, text: string, bytesMax: number): void {
  if (typeof text !== 'string') throw new ArgumentError(`${what}: ${typeof text} is not text`);
  if (text === '') return;
  if (text.length > bytesMax / 3 && Buffer.byteLength(text) > bytesMax)
    throw new ArgumentError(`${what}: is ${Buffer.byteLength(text)} bytes, limit ${bytesMax}`);
  if (text.includes('\0')) throw new ArgumentError(`${what}: contains NUL`);
}
