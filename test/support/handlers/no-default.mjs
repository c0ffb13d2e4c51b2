/** A file that is not a handler. */
export const handle = () => '';
