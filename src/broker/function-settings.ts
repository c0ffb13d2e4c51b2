/** Gives a function the gate and the policy about runs that its settings say. */
import { latin1 } from '../base/bytes.ts';
import { type GateSettings, isOpenGate } from '../policy/gate-settings.ts';
import type { FunctionQueue } from './functions.ts';
import { Gate } from './gate.ts';

/** Settings by function name, also of functions that do not exist yet. */
export type SettingsTable = Map<string, GateSettings>;

/** A function has been created: it gets the settings that its name has. */
export function adoptSettings(fn: FunctionQueue, table: SettingsTable, nowMs: number): void {
  const settings = table.size === 0 ? undefined : table.get(latin1(fn.name, 0, fn.name.length));
  if (settings !== undefined) applySettings(fn, settings, nowMs);
}

/** The settings of a function have changed. A gate that never closes is none. */
export function applySettings(fn: FunctionQueue, settings: GateSettings, nowMs: number): void {
  fn.runPolicy = settings.runs;
  if (isOpenGate(settings)) fn.gate = null;
  else if (fn.gate === null) fn.gate = new Gate(settings, nowMs);
  else fn.gate.change(settings, nowMs);
}
