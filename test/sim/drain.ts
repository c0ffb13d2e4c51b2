/**
 * The end of a simulation: good workers run every job that is left, beside some workers that were woken and never come;
 * then everybody leaves. No job may stay for ever, and nothing may be left of anybody.
 */

import { checkEmpty } from './invariants.ts';
import { Client } from './peers/client.ts';
import { GOOD } from './peers/temper.ts';
import { Worker } from './peers/worker.ts';
import type { Scene } from './scene.ts';
import { brokersOf, openCount } from './server/inspect.ts';
import { sessionsOf } from './session-invariants.ts';
import { ensure } from './transcript.ts';

/** The unit of the words that accounts share. */
const UNIT_BYTES = 65_536;

const DRAIN_ROUNDS_MAX = 4000;
const GOOD_COUNT = 3;

/** Runs until no live job exists, then drops the dead ones. */
export function drain(scene: Scene): void {
  const { random, world } = scene;
  retire(scene);
  // What was on its way when a peer left may still be a job.
  scene.settle();
  scene.openGates();
  if (random.oneIn(3)) scene.operator.kickAll();
  const good: Worker[] = [];
  for (let round = 0; scene.jobCount > 0; round++) {
    ensure(round < DRAIN_ROUNDS_MAX, () => `${scene.jobCount} jobs are never run`);
    // Under a memory limit a result may cost its worker the connection.
    while (good.filter(({ link }) => link.isUp).length < GOOD_COUNT) addGood(scene, good);
    for (const worker of good) worker.act();
    if (round % 8 === 0) grabAtRest(scene, good);
    world.advance(random.pick([0.5, 5, 50]));
    scene.settle();
    if (round % 20 === 0) scene.checkRest();
  }
  scene.rest();
  scene.operator.dropDead();
  scene.rest();
  ensure(scene.deadCount === 0, () => `${scene.deadCount} dead jobs are kept`);
}

/** No new jobs; workers leave, but for some that sleep, or were woken, and do nothing any more. */
function retire({ peers, random }: Scene): void {
  for (const peer of peers) {
    if (peer instanceof Worker) {
      if (peer.isBusy || random.oneIn(2)) peer.leave('reset');
    } else if (peer instanceof Client) peer.stopSubmitting();
    if (peer.link.isDeaf) peer.leave('reset');
  }
}

/** Every third one offers only some functions, so that it asks owners in vain. */
function addGood(scene: Scene, good: Worker[]): void {
  const isForAll = good.length % 3 < 2;
  const names = isForAll ? scene.plan.functionNames : scene.someFunctions();
  const worker = new Worker(`good${good.length + 1}`, scene.context, names, GOOD);
  good.push(worker);
  scene.add(worker);
}

/** When nothing is on its way, a GRAB gets a job if there is one for the worker, whoever owns it. */
function grabAtRest(scene: Scene, good: readonly Worker[]): void {
  scene.settle();
  const idle = good.filter((one) => one.link.isUp && !one.isBusy);
  if (idle.length === 0) return;
  const worker = scene.random.pick(idle);
  if (openCount(scene.world, worker.functionNames) === 0) return;
  worker.grabNow();
  scene.settle();
  ensure(worker.isBusy, () => `${worker.link.name} grabs in vain although a job may start`);
}

/** Everybody leaves: nothing of anybody may be left. */
export function leaveAll(scene: Scene): void {
  const { world, peers, random } = scene;
  for (const { link } of peers) link.leave(random.pick(['reset', 'end']), false);
  for (let i = 0; i < 3; i++) {
    scene.settle();
    world.advance(5000);
  }
  for (const broker of brokersOf(world)) checkEmpty(broker);
  for (const { index, core, blobKib } of world.living) {
    const { table } = core;
    const left = [
      sessionsOf(table).length,
      table.crossThreadPeers.size,
      table.queries.count,
      blobKib,
    ];
    ensure(
      left.every((count) => count === 0),
      () => `thread ${index} is left with ${left} (sessions, far peers, questions, KiB of blobs)`,
    );
  }
  for (const { index, core, kept } of world.living) {
    const { jobs, uncommitted } = core.store?.health ?? { jobs: 0, uncommitted: 0 };
    ensure(
      jobs === 0 && uncommitted === 0 && kept === 0,
      () => `store of thread ${index} keeps ${jobs} jobs, ${uncommitted} uncommitted, ${kept} read`,
    );
  }
  ensure(world.registry.count === 0, () => `${world.registry.count} sockets are open`);
  // What a shard had taken of the memory is known only to itself.
  if (world.deaths.length > 0) return;
  const drawn = (world.memoryWords[0] as number) * UNIT_BYTES;
  const held = world.living.reduce((sum, { core }) => sum + core.account.held, 0);
  // A unit of spare memory and a rounded one for each thread.
  const most = world.plan.memoryBytesMax === 0 ? 0 : held + world.living.length * 2 * UNIT_BYTES;
  ensure(drawn <= most, () => `${drawn} bytes are drawn, ${held} are held`);
}
