/**
 * Rules for the journals of a simulated cluster, over everything that was ever stored in them:
 * - Epochs ascend, numbers of an epoch have no gap, one incarnation writes an epoch.
 * - No two live jobs of a function have one unique, and no submit makes two jobs.
 * - No put of a job follows its forget, and no job is forgotten twice.
 */
import { decodeCommit } from '../../../src/cluster/commit.ts';
import { type Commit, EntryKind, keyText, type Put } from '../../../src/cluster/entries.ts';
import type { StoredMessage } from '../../../src/cluster/nats.ts';

export function checkJournal(messages: readonly StoredMessage[]): void {
  const live = new Map<string, Put>();
  const over = new Set<string>();
  const submits = new Map<string, string>();
  let last: Commit | null = null;
  for (const { sequence, bytes } of messages) {
    const commit = decodeCommit(bytes);
    if (commit === null) throw new Error(`journal: message ${sequence} is not a commit`);
    checkOrder(last, commit);
    last = commit;
    for (const entry of commit.entries) {
      if (entry.kind === EntryKind.ANSWERED) continue;
      const text = keyText(entry.key);
      if (over.has(text)) throw new Error(`journal: job ${text} comes after its forget`);
      if (entry.kind === EntryKind.FORGET) {
        over.add(text);
        live.delete(text);
        continue;
      }
      const submit = `${entry.submit.home} ${entry.submit.number}`;
      const known = submits.get(submit);
      if (known !== undefined && known !== text)
        throw new Error(`journal: submit ${submit} made the jobs ${known} and ${text}`);
      submits.set(submit, text);
      checkUnique(live, text, entry);
      live.set(text, entry);
    }
  }
}

function checkOrder(last: Commit | null, next: Commit): void {
  const isNext =
    last?.epoch === next.epoch && next.number === last.number + 1 && next.writer === last.writer;
  if (isNext || (next.epoch > (last?.epoch ?? 0) && next.number === 0)) return;
  const from = last === null ? 'nothing' : `${last.epoch}.${last.number} of ${last.writer}`;
  throw new Error(`journal: ${next.epoch}.${next.number} of ${next.writer} follows ${from}`);
}

function checkUnique(live: ReadonlyMap<string, Put>, text: string, put: Put): void {
  if (put.unique === '') return;
  for (const [other, { unique, functionName }] of live)
    if (other !== text && unique === put.unique && functionName === put.functionName)
      throw new Error(`journal: jobs ${other} and ${text} have the unique ${unique}`);
}
