/**
 * The gates of a shard's functions: settings by name, also for functions that do not exist yet, and the changes that
 * open and close them. Rule: after each change the level of the function is right and as many workers are woken as the
 * open jobs need.
 */
import { type GateSettings, isOpenGate } from '../policy/gate-settings.ts';
import { trimDead } from './failures.ts';
import { applySettings } from './function-settings.ts';
import type { FunctionQueue } from './functions.ts';
import type { BrokerState } from './state.ts';

/** Changes the gate and the policy about runs of one function; settings that change nothing end both. */
export function setGate(broker: BrokerState, settings: GateSettings): void {
  const { nowMs } = broker;
  if (isOpenGate(settings) && settings.runs === null) broker.settings.delete(settings.name);
  else broker.settings.set(settings.name, settings);
  const fn = broker.functionCalled(settings.name);
  if (fn === null) return;
  applySettings(fn, settings, nowMs);
  if (fn.gate === null) broker.jobs.gateOpenings.remove(fn.index);
  broker.jobs.updateLevel(fn);
  broker.waker.balance(fn, nowMs);
  if (fn.runPolicy !== null) trimDead(broker, fn);
}

/** Opens the gates whose next start is due, at most `countMax`; returns how many. */
export function openDueGates(broker: BrokerState, countMax: number): number {
  const { functions, jobs, nowMs } = broker;
  let count = 0;
  for (; count < countMax && jobs.gateOpenings.peekAt() <= nowMs; count++) {
    const fn = functions.at(jobs.gateOpenings.peekId()) as FunctionQueue;
    fn.gate?.advance(nowMs, true);
    jobs.updateLevel(fn);
    broker.waker.balance(fn, nowMs);
  }
  return count;
}
