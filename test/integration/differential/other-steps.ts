/** Steps that anybody may take: questions, options, text commands, input that nobody expects, the end. */
import { ARG_COUNT, HAS_DATA, PACKET_NAMES } from '../../../src/protocol/packet-columns.ts';
import { Packet } from '../../../src/protocol/packets.ts';
import type { PacketName } from '../../support/packet-text.ts';
import type { Handler } from './draft.ts';
import { mayLeave } from './even.ts';
import { LISTINGS, type Listing, type PacketFrame, packet } from './frames.ts';
import type { Job } from './model.ts';
import * as pools from './pools.ts';

export const getStatus: Handler = (draft, [a, b]) => {
  draft.send('GET_STATUS', [draft.handleAt(a, b)]);
};

/** The low byte is cut off, so that no unique is too long: those are left out. */
export const getStatusUnique: Handler = (draft, [choice = 0]) => {
  draft.send('GET_STATUS_UNIQUE', [draft.uniqueAt((choice >>> 8) << 8)]);
};

export const option: Handler = (draft, [n = 0]) => draft.send('OPTION_REQ', [pools.option(n)]);

export const clientId: Handler = (draft, [n = 0]) =>
  draft.send('SET_CLIENT_ID', [pools.clientId(n)]);

export const echo: Handler = (draft, [n = 0]) => draft.send('ECHO_REQ', [pools.echo(n)]);

/** A packet that only a server sends, or nobody. */
export const unexpected: Handler = (draft, [n = 0]) => {
  const type = pools.unexpectedType(n);
  if (type === Packet.ALL_YOURS) draft.gearmandErrors++;
  const args = Array.from({ length: ARG_COUNT[type]! }, (_, i) => `a${i}`);
  draft.send(PACKET_NAMES[type] as PacketName, HAS_DATA[type] === 1 ? [...args, 'data'] : args);
};

export const resMagic: Handler = (draft, [n = 0]) => {
  const name = draft.functionAt(n);
  const frames: PacketFrame[] = [
    packet('GRAB_JOB'),
    packet('ECHO_REQ', 'x'),
    packet('CAN_DO', name),
    packet('SUBMIT_JOB_BG', name, '', 'x'),
    packet('NOOP'),
    packet('PRE_SLEEP'),
  ];
  draft.frames.push({ ...(frames[n % frames.length] as PacketFrame), isRes: true });
};

export const list: Handler = (draft, [choice = 0, spelling = 0]) => {
  const reply = LISTINGS[choice % LISTINGS.length] as Listing;
  const spellings = [reply, reply.toUpperCase(), reply.replace(' ', '   ')];
  const text = spellings[spelling % spellings.length] as string;
  const end = (spelling >>> 8) % 2 === 0 ? '\r\n' : '\n';
  draft.frames.push({ kind: 'text', parts: [text, end], reply });
};

export const oddText: Handler = (draft, [line = 0, fn]) => {
  draft.say(pools.oddLine(line).replaceAll('F', draft.functionAt(fn)), '\n');
};

export const cancel: Handler = (draft, [a, b]) => {
  const handle = draft.handleAt(a, b);
  if (typeof handle === 'string') {
    // An empty or broken word would be another command.
    draft.say('cancel job H:nowhere:7\n');
    return;
  }
  const job = draft.model.jobs[handle.job] as Job;
  const parts = ['cancel job ', handle, '\n'];
  const cancelsGhost = job.state === 'ghost';
  draft.frames.push({ kind: 'text', parts, reply: 'line', cancelsGhost });
  if (job.state !== 'gone') draft.whenSent(() => draft.model.cancelled(job));
};

export const maxqueue: Handler = (draft, [choice, kind = 0, value = 0]) => {
  const name = kind % 7 === 0 ? 'nowhere-to-be-found' : draft.functionAt(choice);
  const forms = ['', ' 4', ' 2', ' 3 0', ' 5 0 3', ' -1', ' many', ' 0', ' 6 2 2'];
  const form = forms[value % forms.length] as string;
  draft.say(`maxqueue ${name}${form}\n`);
  draft.whenSent(() => {
    if (form === '') draft.model.limited.delete(name);
    else draft.model.limited.add(name);
  });
};

/** Always with CR LF: gearmand cuts the name before a bare LF. */
export const createFunction: Handler = (draft, [choice]) =>
  draft.say(`create function ${draft.functionAt(choice)}\r\n`);

export const dropFunction: Handler = (draft, [choice]) => {
  const { model } = draft;
  const name = draft.functionAt(choice);
  const hasWorkers = model.live.some((c) => c.abilities.includes(name));
  // With queued jobs and nobody at work gearmand drops it and keeps the jobs: left out.
  if (!hasWorkers && model.present(name).some((j) => j.state !== 'running')) return;
  draft.say(`drop function ${name}\r\n`);
  if (!hasWorkers) draft.whenSent(() => model.limited.delete(name));
};

export const disconnect: Handler = (draft) => {
  draft.disconnects = mayLeave(draft.me, draft.model);
};

export const closingInput: Handler = (draft, [n = 0]) => {
  if (!mayLeave(draft.me, draft.model)) return;
  draft.frames.push({ kind: 'closing', ...pools.closingInput(n) });
};
