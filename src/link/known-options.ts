/** Refuses misspelt options: an option that nobody reads would be ignored in silence. */
import { closest } from '../base/closest.ts';
import { ArgumentError } from './errors.ts';

/** The names of all options of `T`; one that is missing here does not compile. */
export type Known<T> = { readonly [Name in keyof Required<T>]: true };

/** Throws ArgumentError that names the first key of `options` which is not `known`, and the one it may stand for. */
export function checkKnown(
  what: string,
  options: object,
  known: Readonly<Record<string, true>>,
): void {
  if (options === null || typeof options !== 'object')
    throw new ArgumentError(`${what}: options are an object`);
  for (const name in options) {
    if (known[name] === true) continue;
    const guess = closest(name, Object.keys(known));
    const hint = guess === null ? '' : `, did you mean ${guess}?`;
    throw new ArgumentError(`${what}: there is no option ${name}${hint}`);
  }
}
