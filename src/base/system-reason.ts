/**
 * Explains an error of the system in words, followed by its code: `there is no such file or folder (ENOENT)`. Rule:
 * the reader is an operator; the caller adds the remedy and the option.
 */

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'not permitted',
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAFNOSUPPORT: 'this machine has no such kind of address',
  EAI_AGAIN: 'the host name cannot be looked up now',
  EBUSY: 'it is in use',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'it exists already',
  EINVAL: 'the system does not take this value',
  EIO: 'the disk has failed',
  EISDIR: 'it is a folder',
  ELOOP: 'too many symbolic links',
  EMFILE: 'this process has no file descriptor left',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'the machine has no file descriptor left',
  ENOENT: 'there is no such file or folder',
  ENOMEM: 'there is no memory left',
  ENOSPC: 'no space is left on the disk',
  ENOTDIR: 'a part of the path is not a folder',
  ENOTFOUND: 'there is no host of that name',
  EPERM: 'not permitted',
  EPIPE: 'the reader has closed it',
  EROFS: 'the file system is read-only',
  ETXTBSY: 'it is being executed',
};

/** The reason in words with the code; for an unknown code, the error's own message. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, message } = error as NodeJS.ErrnoException;
  const words = code === undefined ? undefined : WORDS[code];
  return words === undefined ? message || String(code ?? error.name) : `${words} (${code})`;
}

/** Whether the system refused for lack of permission. */
export function isDenied(error: unknown): boolean {
  const { code } = Object(error) as NodeJS.ErrnoException;
  return code === 'EACCES' || code === 'EPERM';
}
