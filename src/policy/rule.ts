/** Policies and aliases as options write them: `FUNCTION=KEY:VALUE,...` and `ALIAS=FUNCTION{priority:high}`. */
import { Priority, type PriorityName } from '../protocol/packets.ts';
import { latin1Of, unescapeName } from './function-name.ts';
import { type Policy, PolicyError, parsePolicy } from './policy.ts';

/** Another name of a function, as a program gives it. */
export interface FunctionAlias {
  /** The function that gets the jobs. */
  function: string;
  /** Priority of its jobs. Default: that of the submit. */
  priority?: PriorityName;
}

/** A function with a policy of its own. Names are Latin-1, one character a byte. */
export interface PolicyRule {
  readonly name: string;
  readonly policy: Policy;
}

/** A name that submits may use instead of the function's own. */
export interface AliasRule {
  readonly name: string;
  /** The function that gets the jobs. */
  readonly target: string;
  /** Priority of its jobs; null = that of the submit. */
  readonly priority: PriorityName | null;
}

/** Reads `mail=concurrency:5`. Throws PolicyError. */
export function parsePolicyRule(text: string): PolicyRule {
  const [name, rest] = nameAndRest(text, 'FUNCTION=KEY:VALUE,...');
  return { name, policy: parsePolicy(rest) };
}

/** Reads `mail_urgent=mail{priority:high}`; the braces may be left out. Throws PolicyError. */
export function parseAliasRule(text: string): AliasRule {
  const form = 'ALIAS=FUNCTION or ALIAS=FUNCTION{priority:high|normal|low}';
  const [name, rest] = nameAndRest(text, form);
  const match = /^([^{}]*)(?:\{([^{}]*)\})?$/.exec(rest);
  const target = unescapeName(match?.[1] ?? '');
  if (match === null || target === undefined) throw new PolicyError(`it must be ${form}`);
  if (target === name) throw new PolicyError('it is an alias of itself');
  return { name, target, priority: priorityOf(match[2] ?? '') };
}

function priorityOf(text: string): PriorityName | null {
  if (text === '') return null;
  const priority = text.startsWith('priority:') ? text.slice('priority:'.length) : undefined;
  if (priority === undefined)
    throw new PolicyError(`${JSON.stringify(text)}: an alias may set priority:high|normal|low`);
  if (!Object.hasOwn(Priority, priority))
    throw new PolicyError(`priority ${JSON.stringify(priority)}: allowed is high, normal, low`);
  return priority as PriorityName;
}

function nameAndRest(text: string, form: string): [string, string] {
  const at = text.indexOf('=');
  const name = at < 0 ? undefined : unescapeName(latin1Of(text.slice(0, at)));
  if (name === undefined) throw new PolicyError(`it must be ${form}`);
  return [name, latin1Of(text.slice(at + 1))];
}
