/**
 * Applies the rules of evened-out.ts: to what a server answered, to a submit before it is sent, to the end of a
 * connection.
 */
import type { WireItem, WirePacket } from '../../support/packet-text.ts';
import { EVENED_OUT, type EvenedOut, isWork, type Scene } from './evened-out.ts';
import type { Listing, Submit } from './frames.ts';
import type { Connection, Model } from './model.ts';

/**
 * The order in which the items of one connection are compared: as they came, or, when one of the servers has shards,
 * replies first and WORK packets behind them. A WORK packet before the JOB_CREATED of its job is left where it came.
 */
export function comparableOrder(
  items: readonly WireItem[],
  hasShards: boolean,
): readonly WireItem[] {
  if (!hasShards) return items;
  const created = new Set<string>();
  const announced = new Set(
    items.flatMap((i) => (i.kind === 'packet' && i.name === 'JOB_CREATED' ? [handleOf(i)] : [])),
  );
  const replies: WireItem[] = [];
  const works: WireItem[] = [];
  for (const item of items) {
    const isPacket = item.kind === 'packet';
    if (isPacket && item.name === 'JOB_CREATED') created.add(handleOf(item));
    const mayMove =
      isPacket &&
      isWork(item.name) &&
      (created.has(handleOf(item)) || !announced.has(handleOf(item)));
    if (mayMove) works.push(item);
    else replies.push(item);
  }
  return [...replies, ...works];
}

const handleOf = (packet: WirePacket): string => String(packet.args[0]);

const forSide = (scene: Scene): EvenedOut[] =>
  EVENED_OUT.filter((rule) => rule.appliesTo === 'both' || scene.side.isReference);

/** A packet in comparable form, or null when it does not count. */
export function evenPacket(packet: WirePacket, scene: Scene): WirePacket | null {
  let result: WirePacket | null = packet;
  for (const rule of forSide(scene)) {
    if (result !== null && rule.packet !== undefined) result = rule.packet(result, scene);
  }
  return result;
}

/** The rows of a listing in comparable form, sorted: gearmand lists in the order of its hash table. */
export function evenRows(listing: Listing, rows: readonly string[], scene: Scene): string[] {
  let result = [...rows];
  for (const rule of forSide(scene)) {
    if (rule.rows !== undefined) result = rule.rows(listing, result, scene);
    const { row } = rule;
    if (row === undefined) continue;
    result = result
      .map((text) => row(listing, text.split('\t'), scene))
      .filter((columns): columns is string[] => columns !== null)
      .map((columns) => columns.join('\t'));
  }
  return result.sort();
}

/** A submit that both servers understand alike, or null when there is none. */
export function evenSubmit(submit: Submit, model: Model, freshUnique: () => string): Submit | null {
  let result: Submit | null = submit;
  for (const rule of EVENED_OUT) {
    if (result !== null && rule.submit !== undefined) {
      result = rule.submit(result, model, freshUnique);
    }
  }
  return result;
}

/** Whether the end of this connection means the same to both servers. */
export function mayLeave(connection: Connection, model: Model): boolean {
  return EVENED_OUT.every((rule) => rule.mayLeave?.(connection, model) ?? true);
}
