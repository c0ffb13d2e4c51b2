/** Errors that are bugs of our own. Nothing catches them: the thread that throws one ends and is replaced. */

/** A broken invariant of our own. `code` is `ERR_GEARTRAIN_ASSERT`. */
export class AssertionError extends Error {
  readonly code = 'ERR_GEARTRAIN_ASSERT';
  override readonly name = 'AssertionError';
}

/**
 * Throws AssertionError unless `condition` holds. Hot callers pass a constant `message`: a template would be built
 * on every call, failing or not.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
