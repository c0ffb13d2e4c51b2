/** Looks into a simulated server from outside of its rules: whose connection is where, what brokers know of it. */
import type { Broker } from '../../../src/broker/broker.ts';
import { Flag } from '../../../src/broker/jobs.ts';
import type { Peer } from '../../../src/broker/peer.ts';
import { hashBytes } from '../../../src/protocol/hash.ts';
import type { Session } from '../../../src/session/session.ts';
import type { MemorySocket } from '../../support/memory-socket.ts';
import { liveFunctions, livePeers } from '../invariants.ts';
import { sessionsOf } from '../session-invariants.ts';
import type { SimThread } from './sim-thread.ts';
import type { World } from './world.ts';

/** Thread that owns a function. */
export function ownerOf(world: World, functionName: string): number {
  const name = Buffer.from(functionName, 'latin1');
  const { table } = (world.threads[0] as SimThread).core;
  return table.ownerOf(hashBytes(name, 0, name.length, world.plan.hashSeed));
}

export interface Located {
  readonly thread: SimThread;
  readonly session: Session;
}

/** Where the connection of a peer lives, or null while it moves or when it has ended. */
export function locate(world: World, socket: MemorySocket): Located | null {
  for (const thread of world.living)
    for (const session of sessionsOf(thread.core.table))
      if (!session.isEnding && thread.reactor.socketOf(session.conn) === socket)
        return { thread, session };
  return null;
}

export function brokersOf(world: World): Broker[] {
  return world.living.flatMap((thread) => thread.core.broker ?? []);
}

/** The handles that name a job of a broker: that of its row, and the one from before a death of its shard. */
export function handlesOf({ jobs, handles }: Broker, job: number): string[] {
  const bytes = Buffer.alloc(handles.encode(job, jobs.table.serial(job)));
  handles.write(bytes, 0);
  const lasting = jobs.has(job, Flag.HAS_RUNS) ? jobs.runs.of(job).handle : null;
  return lasting === null ? [bytes.toString('latin1')] : [bytes.toString('latin1'), lasting];
}

/** The job with this handle; null when there is none. */
export function jobOfHandle(
  world: World,
  handle: string,
): { readonly broker: Broker; readonly job: number } | null {
  for (const broker of brokersOf(world)) {
    const { table } = broker.jobs;
    for (let job = table.next(0); job !== 0; job = table.next(job))
      if (handlesOf(broker, job).includes(handle)) return { broker, job };
  }
  return null;
}

/** Registrations by function name that brokers count for a peer's connection. */
export function registrationsOf(world: World, socket: MemorySocket): Map<string, number> {
  const found = new Map<string, number>();
  const located = locate(world, socket);
  if (located === null) return found;
  const isIt = (peer: Peer) =>
    peer.thread === located.thread.index && peer.conn === located.session.conn;
  for (const broker of brokersOf(world)) {
    const peer = livePeers(broker).find(isIt);
    for (const fn of peer === undefined ? [] : liveFunctions(broker)) {
      const ability = peer?.ability(fn.index);
      if (ability !== undefined)
        found.set(Buffer.from(fn.name).toString('latin1'), ability.registrations);
    }
  }
  return found;
}

/** Jobs of these functions that GRABs could get now. */
export function openCount(world: World, functionNames: readonly string[]): number {
  const names = new Set(functionNames);
  let count = 0;
  for (const broker of brokersOf(world))
    for (const fn of liveFunctions(broker))
      if (names.has(Buffer.from(fn.name).toString('latin1'))) count += fn.open;
  return count;
}
