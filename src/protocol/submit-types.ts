/** Types of SUBMIT_* by what the job is to be: for those who submit. Rule: derived from PACKETS; nothing is said here. */
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
