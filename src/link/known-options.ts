/** Refuses unknown options: a misspelt one would be ignored silently. */
import { closest } from '../base/closest.ts';
import { ArgumentError } from './errors.ts';

/** The names of all options of `T`; leaving one out does not compile. */
export type Known<T> = { readonly [Name in keyof Required<T>]: true };

/** Throws ArgumentError for the first key of `options` that is not in `known`, and suggests a similar one. */
export function checkKnown(
  what: string,
  options: object,
  known: Readonly<Record<string, true>>,
): void {
  if (options === null || typeof options !== 'object')
    throw new ArgumentError(`${what}: options must be an object`);
  for (const name in options) {
    if (known[name] === true) continue;
    const guess = closest(name, Object.keys(known));
    const hint = guess === null ? '' : `, did you mean ${guess}?`;
    throw new ArgumentError(`${what}: there is no option ${name}${hint}`);
  }
}
