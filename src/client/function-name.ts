/** Names of functions as Gearman carries them. */
import { checkText } from '../link/check-text.ts';
import { ArgumentError } from '../link/errors.ts';

/** Leaves room for the other arguments in the 8 KiB that job servers read at a time. */
const FUNCTION_BYTES_MAX = 8000;

/** Throws ArgumentError unless `name` has 1 to 8000 bytes of UTF-8 without NUL; `what` names the call. */
export function checkFunctionName(what: string, name: string): void {
  if (name === '') throw new ArgumentError(`${what}: a function name is needed`);
  checkText('function name', name, FUNCTION_BYTES_MAX);
}
