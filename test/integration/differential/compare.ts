/**
 * What a connection received in one step, as lines that are equal when the servers agree: handles by number, listings
 * sorted, everything evened out, NOOPs left out.
 */
import {
  printBytes,
  printItem,
  type WireItem,
  type WirePacket,
} from '../../support/packet-text.ts';
import type { Action } from './draft.ts';
import { evenPacket, evenRows } from './even.ts';
import type { Scene } from './evened-out.ts';
import type { Listing, TextFrame } from './frames.ts';

export const isNoop = (item: WireItem): boolean => item.kind === 'packet' && item.name === 'NOOP';

/** Whether it answers a submit. */
export function isSubmitError(error: WirePacket): boolean {
  const text = error.payload.toString('latin1');
  return text.startsWith('QUEUE_ERROR\0') || text.endsWith('\0Unique value too large');
}

/** `action`: what the connection did; null when it only received. */
export function comparable(
  items: readonly WireItem[],
  scene: Scene,
  action: Action | null,
): string[] {
  const texts = (action?.frames ?? []).filter((f): f is TextFrame => f.kind === 'text');
  const lines: string[] = [];
  let listing: { name: Listing; rows: string[] } | null = null;
  const skip = errorsToSkip(scene, action);
  const errorCount = items.filter((i) => i.kind === 'packet' && i.name === 'ERROR').length;
  let errorsSeen = 0;
  for (const item of items) {
    if (item.kind === 'packet') {
      if (isNoop(item)) continue;
      if (item.name === 'ERROR' && ++errorsSeen > errorCount - skip) continue;
      const even = evenPacket(item, scene);
      if (even !== null) lines.push(printEven(even, scene));
      continue;
    }
    if (listing === null) {
      const text = texts.shift();
      if (text === undefined) lines.push(`unasked ${printItem(item)}`);
      else if (text.reply === 'line') lines.push(evenLine(item.text, text, scene));
      else listing = { name: text.reply, rows: [] };
    }
    if (listing === null) continue;
    if (item.text === '.\n') {
      const rows = evenRows(listing.name, listing.rows, scene);
      lines.push(`${listing.name}:`, ...rows.map((row) => `  ${printBytes(row)}`), '  .');
      listing = null;
    } else listing.rows.push(item.text.slice(0, -1));
  }
  if (listing !== null) lines.push(`${listing.name}: no end`);
  return lines;
}

/** How many of the last ERRORs only gearmand sends. */
function errorsToSkip(scene: Scene, action: Action | null): number {
  return scene.side.isReference ? (action?.gearmandErrors ?? 0) : 0;
}

function evenLine(text: string, frame: TextFrame, scene: Scene): string {
  const isStale = frame.cancelsGhost === true && scene.side.isReference;
  return `text ${printBytes(isStale ? 'ERR UNKNOWN_JOB\r\n' : text)}`;
}

/** As `printItem`, with the handle replaced by the job's number. */
function printEven(item: WirePacket, scene: Scene): string {
  const carriesHandle = /^(JOB_|WORK_|STATUS_RES$)/.test(item.name);
  const handle = item.args[0];
  if (!carriesHandle || handle === undefined) return printItem(item);
  const name = scene.side.nameOf(handle.toString('latin1'));
  return printItem({ ...item, args: [Buffer.from(name, 'latin1'), ...item.args.slice(1)] });
}
