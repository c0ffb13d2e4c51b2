/** Aliases where packets and answers alone do not show the rule: look-up, rights, limits, other threads. */
import { describe, expect, it } from 'vitest';
import { type AliasRule, parseAliasRule } from '../../../src/policy/rule.ts';
import { hashBytes } from '../../../src/protocol/hash.ts';
import { Packet } from '../../../src/protocol/packets.ts';
import { type AccessRule, parseRule } from '../../../src/session/access.ts';
import { CrossThreadDialogue } from '../../support/cross-thread.ts';
import { plays } from '../../support/dialogue/memory.ts';
import { HandStore } from '../../support/hand-store.ts';
import { handleOf } from '../../support/handles.ts';
import { HASH_SEED } from '../../support/own-thread.ts';
import { type PacketName, rawPacket, request, toBytes } from '../../support/packet-text.ts';

const aliases = (...rules: string[]): AliasRule[] => rules.map(parseAliasRule);

/** `Frame.priority` in the last word of a FRAME record. */
const BY_TYPE = 0;
const HIGH = 1;
const NORMAL = 2;
const LOW = 3;

const SUBMITS: readonly PacketName[] = [
  'SUBMIT_JOB',
  'SUBMIT_JOB_BG',
  'SUBMIT_JOB_HIGH',
  'SUBMIT_JOB_HIGH_BG',
  'SUBMIT_JOB_LOW',
  'SUBMIT_JOB_LOW_BG',
  'SUBMIT_JOB_EPOCH',
  'SUBMIT_REDUCE_JOB',
  'SUBMIT_REDUCE_JOB_BACKGROUND',
];

/** Arguments after function and unique. */
const moreOf = (type: PacketName): string[] =>
  type.includes('EPOCH') ? ['1'] : type.includes('REDUCE') ? ['sum', 'x'] : [];

/** Two names of one hash: among 200,000 names there are some. */
function namesOfOneHash(): [string, string] {
  const seen = new Map<number, string>();
  for (let i = 0; ; i++) {
    const name = `n${i}`;
    const hash = hashBytes(toBytes(name), 0, name.length, HASH_SEED);
    const other = seen.get(hash);
    if (other !== undefined) return [other, name];
    seen.set(hash, name);
  }
}

describe('a name', () => {
  const [one, two] = namesOfOneHash();

  it('is found among aliases of the same hash', () => {
    const rules = aliases(`${one}=first`, `${two}=second`);
    plays(
      `
      client > SUBMIT_JOB_BG ${one} "" 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG ${two} "" 2
      client < JOB_CREATED #2
      worker1 > CAN_DO first
      worker1 > GRAB_JOB
      worker1 < JOB_ASSIGN #1 first 1
      worker2 > CAN_DO second
      worker2 > GRAB_JOB
      worker2 < JOB_ASSIGN #2 second 2
    `,
      { aliases: rules },
    );
  });

  it('of the same hash as an alias is none', () => {
    plays(
      `
      client > SUBMIT_JOB_BG ${two} "" 2
      client < JOB_CREATED #1
      worker > CAN_DO ${two}
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 ${two} 2
    `,
      { aliases: aliases(`${one}=first`) },
    );
  });

  it('and its function may have any bytes and lengths', () => {
    const long = 'f'.repeat(5000);
    plays(
      String.raw`
      client > SUBMIT_JOB_BG "\xc3\xa9 ,=" u 1
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG ${'a'.repeat(5000)} v 2
      client < JOB_CREATED #2
      worker > CAN_DO ${long}
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #1 ${long} u 1
      worker > CAN_DO "\x01"
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ #2 "\x01" v 2
    `,
      { aliases: aliases(`é%20%2C%3D=${long}`, `${'a'.repeat(5000)}=%01`) },
    );
  });
});

describe('a submit to an alias', () => {
  const mail = { aliases: aliases('mail_urgent=mail{priority:high}') };

  it('needs the right on the name of the alias, and no right on the function', () => {
    const access = ['any=submit:mail_urgent', 'any=work:mail'].map(
      (rule) => parseRule(rule) as AccessRule,
    );
    plays(
      `
      client > SUBMIT_JOB_BG mail "" 1
      client < ERROR NOT_ALLOWED "Not allowed to submit to this function"
      client > SUBMIT_JOB_BG mail_urgent "" 2
      client < JOB_CREATED #1
      worker > CAN_DO mail
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 mail 2
    `,
      { ...mail, access },
    );
  });

  it('is refused with the right on the function alone', () => {
    const { thread } = plays(
      `
      client > SUBMIT_JOB_BG mail_urgent "" 1
      client < ERROR NOT_ALLOWED "Not allowed to submit to this function"
      client > SUBMIT_JOB_BG mail "" 2
      client < JOB_CREATED #1
    `,
      { ...mail, access: [parseRule('any=submit,work:mail') as AccessRule] },
    );
    expect(thread.warnings.join()).toContain('may not submit to "mail_urgent"');
  });

  it('starts at its time, with the priority of the alias', () => {
    plays(
      `
      client > SUBMIT_JOB_EPOCH mail_urgent "" 1700000002 later
      client < JOB_CREATED #1
      client > SUBMIT_JOB_BG mail "" now
      client < JOB_CREATED #2
      worker > CAN_DO mail
      + 2000 ms
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 mail later
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 mail now
    `,
      mail,
    );
  });

  it('is stored as a job of the function, with the priority of the alias', () => {
    const store = new HandStore();
    plays(
      `
      client > SUBMIT_JOB_LOW_BG mail_urgent u data
      client > SUBMIT_REDUCE_JOB_BACKGROUND mail_urgent v sum x work
      store commits
      client < JOB_CREATED #1
      client < JOB_CREATED #2
    `,
      { ...mail, makeStore: store.make },
      { 'store commits': () => store.commit() },
    );
    const jobs = [...store.kept.values()].map(({ functionName, priority }) => [
      Buffer.from(functionName).toString(),
      priority,
    ]);
    expect(jobs).toEqual([
      ['mail', 0],
      ['mail', 0],
    ]);
  });
});

/** Shard 1 of 3 with aliases of functions of shards 1 and 2. */
function sessions(options = {}) {
  const shards = new CrossThreadDialogue({ thread: 1, shardCount: 3 });
  const own = shards.functionOf(1);
  const two = shards.functionOf(2);
  // The alias itself would belong to another shard than its function.
  const toOwn = shards.functionOf(3, 'alias');
  const toTwo = shards.functionOf(1, 'alias');
  const dialogue = new CrossThreadDialogue({
    thread: 1,
    shardCount: 3,
    aliases: aliases(
      `${toOwn}=${own}{priority:high}`,
      `${toTwo}=${two}{priority:low}`,
      `plain=${two}`,
    ),
    ...options,
  });
  const sent = () =>
    dialogue.records
      .splice(0)
      .map(({ to, kind, c, d, payload }) => [to, kind, c, payload.toString('latin1'), d]);
  return { dialogue, own, two, toOwn, toTwo, sent };
}

describe('an alias of a function of another shard', () => {
  it.each(SUBMITS)('sends %s to its owner, with function and priority', (name) => {
    const { dialogue, two, toTwo, sent } = sessions();
    const more = moreOf(name);
    dialogue.push('peer', request(name, toTwo, 'u', ...more, 'data'));
    dialogue.push('peer', request(name, 'plain', 'u', ...more, 'data'));
    dialogue.push('peer', request(name, two, 'u', ...more, 'data'));
    dialogue.thread.run();
    const payload = [two, 'u', ...more, 'data'].join('\0');
    expect(sent()).toEqual([
      [2, 'FRAME', Packet[name], payload, LOW],
      [2, 'FRAME', Packet[name], payload, BY_TYPE],
      [2, 'FRAME', Packet[name], payload, BY_TYPE],
    ]);
  });

  it.each([0, 1, 20_000, 3_000_000])('sends %i bytes of data whole', (bytes) => {
    const { dialogue, two, toTwo, sent } = sessions();
    const data = Buffer.alloc(bytes, 'w');
    dialogue.push('peer', request('SUBMIT_JOB', toTwo, 'u', data));
    dialogue.thread.run();
    const payload = `${two}\0u\0${data}`;
    expect(sent()).toEqual([[2, 'FRAME', Packet.SUBMIT_JOB, payload, LOW]]);
    expect(dialogue.thread.blobKib).toBe(0);
  });

  it('waits for an owner that is being started again', () => {
    const { dialogue, two, toTwo, sent } = sessions({ restartWaitMs: 5000 });
    dialogue.lose(2);
    dialogue.play(`
      client > SUBMIT_JOB ${toTwo} u data
      client > SUBMIT_JOB ${toTwo} v ${'x'.repeat(100_000)}
    `);
    expect(sent()).toEqual([]);
    dialogue.regain(2);
    expect(sent()).toEqual([
      [2, 'FRAME', Packet.SUBMIT_JOB, `${two}\0u\0data`, LOW],
      [2, 'FRAME', Packet.SUBMIT_JOB, `${two}\0v\0${'x'.repeat(100_000)}`, LOW],
    ]);
    expect(dialogue.thread.blobKib).toBe(0);
  });

  it('refuses data for which there is no memory, and goes on', () => {
    const { dialogue, toTwo, sent } = sessions({ memoryBytesMax: 1 << 20 });
    dialogue.push('peer', request('SUBMIT_JOB', toTwo, '', Buffer.alloc(3 << 20)));
    dialogue.play(`
      peer > ECHO_REQ x
      peer < ERROR QUEUE_ERROR "Job queue is full"
      peer < ECHO_RES x
    `);
    expect(sent()).toEqual([]);
    expect(dialogue.thread.table.refusedCount).toBe(1);
    expect(dialogue.thread.blobKib).toBe(0);
  });

  it('loses and repeats no submit when replies wait', () => {
    const { dialogue, two, toTwo, sent } = sessions();
    for (let i = 0; i < 5000; i++) dialogue.push('peer', request('SUBMIT_JOB_BG', toTwo, `${i}`));
    dialogue.thread.run();
    const created = rawPacket(Packet.JOB_CREATED, handleOf(2, 1, 1), { magic: '\0RES' });
    for (let i = 1; i <= 5000; i++)
      dialogue.heard(2, 'REPLY', [dialogue.peer('peer').conn, i], created);
    const payloads = sent().map(([, , , payload]) => payload);
    expect(payloads).toEqual(Array.from({ length: 5000 }, (_, i) => `${two}\0${i}\0`));
  });
});

describe('an alias of a function of this shard', () => {
  it('sends nothing to another one', () => {
    const { dialogue, own, toOwn, sent } = sessions();
    dialogue.play(`
      worker > CAN_DO ${own}
      peer > SUBMIT_JOB_BG ${own} "" 1
      peer < JOB_CREATED #1
      peer > SUBMIT_JOB_BG ${toOwn} "" 2
      peer < JOB_CREATED #2
      worker > GRAB_JOB
      worker < JOB_ASSIGN #2 ${own} 2
    `);
    expect(sent()).toEqual([]);
  });
});

describe('an owner', () => {
  it.each(SUBMITS)('gives a job of %s the priority that comes with it', (name) => {
    const { dialogue, own } = sessions();
    const payload = [own, '', ...moreOf(name), 'data'].join('\0');
    const levels = [LOW, NORMAL, HIGH].map((priority) => {
      dialogue.heard(2, 'FRAME', [7, 1, Packet[name], priority], payload);
      return dialogue.published.level;
    });
    expect(levels).toEqual([1, 2, 3]);
  });

  it('goes by the type again when no priority comes', () => {
    const { dialogue, own } = sessions();
    const payload = `${own}\0\0data`;
    dialogue.heard(2, 'FRAME', [7, 1, Packet.SUBMIT_JOB_BG, HIGH], payload);
    dialogue.play(`
      worker > CAN_DO ${own}
      worker > GRAB_JOB
      worker < JOB_ASSIGN #1 ${own} data
    `);
    dialogue.heard(2, 'FRAME', [7, 2, Packet.SUBMIT_JOB_LOW_BG, BY_TYPE], payload);
    expect(dialogue.published.level).toBe(1);
  });
});
