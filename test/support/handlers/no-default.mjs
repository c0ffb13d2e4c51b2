/** A file that is no handler. */
export const handle = () => '';
