/**
 * Differences on purpose, evened out so that everything else can be compared. A rule normalises replies, or, where
 * no reply could be put right afterwards, keeps a step from going where the two servers part.
 * Rule: gearmand's replies are put into the form of ours, never the other way round; what is blurred is blurred on both.
 */
import type { WirePacket } from '../../support/packet-text.ts';
import type { Listing, Submit } from './frames.ts';
import { type Connection, type Job, keyOf, type Model } from './model.ts';
import type { Side } from './side.ts';

/** Where and when a reply was seen. */
export interface Scene {
  readonly model: Model;
  readonly side: Side;
  /** All functions of the dialogue begin with it. */
  readonly prefix: string;
  /** Jobs that an earlier step had cancelled. */
  readonly cancelledBefore: ReadonlySet<Job>;
  jobOf(handle: Buffer): Job | undefined;
}

export interface EvenedOut {
  readonly name: string;
  readonly reason: string;
  /** Whose replies are changed; `gearmand` when left out. */
  readonly appliesTo?: 'both';
  /** Changes a packet; null takes it away. */
  readonly packet?: (packet: WirePacket, scene: Scene) => WirePacket | null;
  /** Changes a row of a listing (columns split at tabs); null takes it away. */
  readonly row?: (listing: Listing, columns: string[], scene: Scene) => string[] | null;
  /** Changes all rows of a listing. */
  readonly rows?: (listing: Listing, rows: string[], scene: Scene) => string[];
  /** Changes a submit before it is sent; null leaves it away. */
  readonly submit?: (submit: Submit, model: Model, freshUnique: () => string) => Submit | null;
  /** False: the connection must stay, because its end means different things. */
  readonly mayLeave?: (connection: Connection, model: Model) => boolean;
}

/** Whether a packet tells of a running job. */
export const isWork = (name: string): boolean => name.startsWith('WORK_');

function withArgs(packet: WirePacket, args: readonly string[]): WirePacket {
  return { ...packet, args: args.map((arg) => Buffer.from(arg, 'latin1')) };
}

/** Jobs that a question by unique may mean. */
function named(model: Model, unique: string): { live: Job[]; forgotten: Job[] } {
  const equal = model.jobs.filter((j) => j.key === `unique ${unique}` && j.state !== 'gone');
  const isForgotten = (j: Job): boolean => j.state === 'ghost' || j.isIgnored;
  return { live: equal.filter((j) => !isForgotten(j)), forgotten: equal.filter(isForgotten) };
}

const asNumber = (text: string | undefined): number => Number.parseInt(text ?? '', 10);

export const EVENED_OUT: readonly EvenedOut[] = [
  {
    name: 'ALL_YOURS',
    reason: 'ours accepts it without a reply; steps mark the ERROR as one that only gearmand sends',
  },
  {
    name: 'final packets after WORK_EXCEPTION',
    reason: 'ours swallows the WORK_FAIL that Perl workers send behind it; gearmand answers ERROR',
  },
  {
    name: 'no NUL in WORK_FAIL',
    reason: 'clients compare the length of the handle; gearmand passes a NUL on, or adds one',
    packet: (packet) => {
      if (packet.name !== 'WORK_FAIL') return packet;
      const handle = (packet.args[0] as Buffer).toString('latin1').replace(/\0$/, '');
      return withArgs(packet, [handle]);
    },
  },
  {
    name: 'one WORK_FAIL per cancelled job',
    reason: 'a watcher hears of a cancelled job once; gearmand goes on telling it',
    packet: (packet, { jobOf, cancelledBefore }) => {
      if (!isWork(packet.name)) return packet;
      const job = jobOf((packet.args[0] as Buffer).subarray());
      return job !== undefined && cancelledBefore.has(job) ? null : packet;
    },
  },
  {
    name: 'abandoned jobs go at once',
    reason:
      'ours drops a queued job that nobody waits for; gearmand keeps it until a worker meets it',
    packet: (packet, { jobOf }) => {
      if (packet.name !== 'STATUS_RES') return packet;
      const handle = packet.args[0] as Buffer;
      if (jobOf(handle)?.state !== 'ghost') return packet;
      return withArgs(packet, [handle.toString('latin1'), '0', '0', '0', '0']);
    },
    row: (listing, columns, { model, side }) => {
      const [name = ''] = columns;
      if (listing === 'status') {
        const total = asNumber(columns[1]) - model.ghosts(name).length;
        return [name, String(total), ...columns.slice(2)];
      }
      if (listing === 'prioritystatus') {
        const ghosts = model.ghosts(name);
        const left = [0, 1, 2].map(
          (p) => asNumber(columns[p + 1]) - ghosts.filter((j) => j.priority === p).length,
        );
        return [name, ...left.map(String), ...columns.slice(4)];
      }
      if (listing === 'show jobs') {
        const number = side.numberOf(name);
        return number !== undefined && model.jobs[number]?.state === 'ghost' ? null : columns;
      }
      return columns;
    },
    rows: (listing, rows, { model }) => {
      if (listing !== 'show unique jobs') return rows;
      const rest = [...rows];
      for (const ghost of model.ghosts()) {
        const at = rest.indexOf(ghost.unique);
        if (at >= 0) rest.splice(at, 1);
      }
      return rest;
    },
  },
  {
    name: 'nothing merges with a forgotten job',
    reason:
      'a submit with the key of an abandoned or cancelled job makes a new job in ours, and is lost in gearmand',
    submit: (submit, model, freshUnique) => {
      const key = keyOf(submit);
      const isTaken = model.jobs.some(
        (j) =>
          key !== null &&
          j.key === key &&
          j.functionName === submit.functionName &&
          (j.state === 'ghost' || (j.state === 'running' && j.isIgnored)),
      );
      return isTaken ? { ...submit, unique: freshUnique() } : submit;
    },
  },
  {
    name: 'data that is its own unique',
    reason:
      'gearmand merges a submit with the unique - and data x with a job whose unique and data are both x; ours merges - with - only',
    submit: (submit) =>
      submit.unique === submit.data.toString('latin1') && submit.unique !== ''
        ? { ...submit, data: Buffer.concat([submit.data, Buffer.from('!')]) }
        : submit,
  },
  {
    name: 'forgotten jobs do not fill a queue',
    reason:
      'gearmand counts abandoned jobs for maxqueue until a worker meets them; ours has dropped them',
    submit: (submit, model) =>
      model.limited.has(submit.functionName) && model.ghosts(submit.functionName).length > 0
        ? null
        : submit,
  },
  {
    name: 'status by unique when several jobs may be meant',
    reason:
      'gearmand reports the job that comes first in its hash chain, ours a running or the newest; ours forgets ignored jobs',
    appliesTo: 'both',
    packet: (packet, { model, side }) => {
      if (packet.name !== 'STATUS_RES_UNIQUE') return packet;
      const [unique = '', known, running, , , watchers] = packet.args.map((a) =>
        a.toString('latin1'),
      );
      const { live, forgotten } = named(model, unique);
      const isAmbiguous = live.length > 1 || forgotten.length > 0;
      if (!isAmbiguous) return packet;
      if (live.length === 0) {
        return side.isReference ? withArgs(packet, [unique, '0', '0', '0', '0', '0']) : packet;
      }
      const preferred = live.some((j) => j.state === 'running')
        ? live.filter((j) => j.state === 'running')
        : live;
      const fits = preferred.some(
        (j) =>
          known === '1' &&
          (running === '1') === (j.state === 'running') &&
          watchers === String(j.watchers.length),
      );
      return withArgs(packet, [unique, side.isReference || fits ? '(one of several)' : '(none)']);
    },
  },
  {
    name: 'mixed jobs are background jobs',
    reason:
      'a background submit onto a foreground job makes it a background job in ours; gearmand lets it die with its client',
    appliesTo: 'both',
    row: (listing, columns, { model, side }) => {
      if (listing !== 'show jobs') return columns;
      const number = side.numberOf(columns[0] as string);
      const isMixed = number !== undefined && model.jobs[number]?.isMixed === true;
      return isMixed ? [...columns.slice(0, 3), '(mixed)'] : columns;
    },
    mayLeave: (connection, model) =>
      !model.jobs.some(
        (j) =>
          (j.state === 'queued' || j.state === 'running') &&
          (j.isMixed || j.isBackground) &&
          !j.isIgnored &&
          j.watchers.length > 0 &&
          j.watchers.every((w) => w === connection),
      ),
  },
  {
    name: 'low jobs beside jobs that are not due',
    reason: '1.1.20 does not find a low job behind an undue one of the same function',
    submit: (submit, model) => {
      const present = model.present(submit.functionName);
      if (submit.priority === 2 && present.some((j) => j.isUndue))
        return { ...submit, priority: 1 };
      if (submit.isUndue && present.some((j) => j.priority === 2)) {
        return { ...submit, isUndue: false };
      }
      return submit;
    },
  },
  {
    name: 'rows of other dialogues',
    reason: 'functions of earlier dialogues may still be listed',
    appliesTo: 'both',
    row: (listing, columns, { prefix, side }) => {
      const [name = ''] = columns;
      if (listing === 'status' || listing === 'prioritystatus') {
        return name.startsWith(prefix) ? columns : null;
      }
      if (listing === 'show jobs') {
        return side.isOld(name) ? null : [side.nameOf(name), ...columns.slice(1)];
      }
      return columns;
    },
    rows: (listing, rows, { side }) =>
      listing === 'show unique jobs' ? side.withoutOldUniques(rows) : rows,
  },
  {
    name: 'descriptor numbers',
    reason: 'the first column of workers is a number of the process',
    appliesTo: 'both',
    row: (listing, columns) =>
      listing === 'workers' ? [columns.join('\t').replace(/^\d+ /, 'FD ')] : columns,
  },
  {
    name: 'function order',
    reason:
      'ours serves the highest priority of all functions; workers offer one function at a time, or ours runs with --job-order 1.1.20',
  },
  {
    name: 'drop function matches exact case',
    reason:
      'gearmand drops all names that are equal without case; names of a dialogue differ in more than case',
  },
  {
    name: 'create function keeps the whole name',
    reason: 'gearmand cuts the last character before a bare LF; dialogues end this line with CR LF',
  },
  {
    name: 'version, getpid, verbose',
    reason: 'they say who the server is',
  },
  {
    name: 'a listing is no snapshot',
    reason:
      'with shards, submits behind a listing in one write may be counted by it: listings come last in a burst then',
  },
  {
    name: 'handles are not guessed',
    reason:
      'a worker that sends GRAB and WORK_DATA in one write cannot know the handle; with shards its home does not know it either',
  },
  {
    name: 'WORK packets beside replies',
    reason:
      "with shards a WORK packet comes from its job's owner and may change places with replies from elsewhere: the two are compared one after the other, and JOB_CREATED must come first",
  },
  {
    name: 'NOOP',
    reason:
      'gearmand wakes all sleepers, ours as many as there are jobs: checked by the wake-up rule (wakeups.ts)',
  },
];
