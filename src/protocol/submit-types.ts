/**
 * Types of SUBMIT_* by the properties of the job, for code that submits. Rule: derived from PACKETS; adds no facts.
 */
import { type ExtraName, PACKET_ROWS, Packet } from './packets.ts';

/** Types by name of the priority. */
export interface SubmitTypes {
  readonly foreground: ReadonlyMap<string, number>;
  readonly background: ReadonlyMap<string, number>;
}

/** Submits with that extra argument. */
export function submitTypes(extra: ExtraName | null): SubmitTypes {
  const types = { foreground: new Map<string, number>(), background: new Map<string, number>() };
  for (const [name, row] of PACKET_ROWS)
    if (row.kind === 'submit' && row.extra === extra)
      types[row.background ? 'background' : 'foreground'].set(row.priority, Packet[name]);
  return types;
}
