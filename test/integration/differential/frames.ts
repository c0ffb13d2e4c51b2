/**
 * What a step sends, said without bytes: packets, text lines and broken input whose handles are job numbers, so that
 * one frame can be written for two servers that name their jobs differently.
 */
import {
  type Bytes,
  joinArgs,
  type PacketName,
  printBytes,
  rawPacket,
  toBytes,
  typeOf,
} from '../../support/packet-text.ts';

/** The handle of a job, by the job's number in order of creation; `suffix` is glued on behind it. */
export interface JobRef {
  readonly job: number;
  readonly suffix?: string;
}

export type Word = Bytes | JobRef;

/** What the model must know of a submit to understand its reply. */
export interface Submit {
  readonly functionName: string;
  readonly unique: string;
  readonly data: Buffer;
  /** 0 high, 1 normal, 2 low. */
  readonly priority: 0 | 1 | 2;
  readonly isBackground: boolean;
  /** An EPOCH far in the future: never runnable during the dialogue. */
  readonly isUndue: boolean;
  readonly reducer?: string;
}

export interface PacketFrame {
  readonly kind: 'packet';
  readonly name: PacketName;
  readonly args: readonly Word[];
  /** Sent with the magic of a reply. */
  readonly isRes?: boolean;
  readonly submit?: Submit;
}

export const LISTINGS = [
  'status',
  'prioritystatus',
  'workers',
  'show jobs',
  'show unique jobs',
] as const;
export type Listing = (typeof LISTINGS)[number];

export interface TextFrame {
  readonly kind: 'text';
  /** Concatenated; includes the line's end. */
  readonly parts: readonly Word[];
  /** Which listing answers it, or `line`. */
  readonly reply: Listing | 'line';
  /** It names a job that only gearmand still knows. */
  readonly cancelsGhost?: boolean;
}

/** Bytes at which the server closes the connection without a reply. */
export interface ClosingFrame {
  readonly kind: 'closing';
  readonly bytes: Buffer;
  readonly note: string;
}

export type Frame = PacketFrame | TextFrame | ClosingFrame;

export const packet = (name: PacketName, ...args: Word[]): PacketFrame => ({
  kind: 'packet',
  name,
  args,
});

const isRef = (word: Word): word is JobRef =>
  typeof word !== 'string' && !(word instanceof Uint8Array);

/** The bytes of a frame for one server; `handleOf` gives the handle that this server gave to a job. */
export function frameBytes(frame: Frame, handleOf: (job: number) => string): Buffer {
  const written = (word: Word): Bytes =>
    isRef(word) ? handleOf(word.job) + (word.suffix ?? '') : word;
  if (frame.kind === 'closing') return frame.bytes;
  if (frame.kind === 'text')
    return Buffer.concat(frame.parts.map((part) => toBytes(written(part))));
  const payload = joinArgs(frame.args.map(written));
  return rawPacket(typeOf(frame.name), payload, frame.isRes ? { magic: '\0RES' } : {});
}

/** The frame as a line of the transcript. */
export function printFrame(frame: Frame): string {
  const word = (w: Word): string =>
    isRef(w)
      ? `job${w.job}${w.suffix === undefined ? '' : ` + ${printBytes(w.suffix)}`}`
      : printBytes(w);
  if (frame.kind === 'closing') return frame.note;
  if (frame.kind === 'text') {
    const text = frame.parts.map((p) => (isRef(p) ? `job${p.job}` : toBytes(p).toString('latin1')));
    return `text ${printBytes(text.join(''))}`;
  }
  return [frame.isRes ? `${frame.name} (RES)` : frame.name, ...frame.args.map(word)].join(' ');
}
