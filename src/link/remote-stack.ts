/**
 * The stack of a handler's error as text behind its message, in the data of WORK_EXCEPTION: any client can show it, and
 * ours takes it apart. Rule: the frames begin with the first line `    at ...` after the message, as Node.js writes them.
 */

const FRAME = '\n    at ';
/** Characters of the frames; whole lines beyond it are left out. */
const FRAMES_CHARS_MAX = 4096;

/** `message`, then the frames of the error's stack where it has some. */
export function withStack(message: string, error: Error): string {
  const { stack } = error;
  if (typeof stack !== 'string') return message;
  // The message of the error may have such lines itself.
  const messageAt = stack.indexOf(error.message);
  const start = stack.indexOf(FRAME, messageAt < 0 ? 0 : messageAt + error.message.length);
  if (start < 0) return message;
  const frames = stack.slice(start);
  if (frames.length <= FRAMES_CHARS_MAX) return message + frames;
  const end = frames.lastIndexOf('\n', FRAMES_CHARS_MAX);
  return end <= 0 ? message : message + frames.slice(0, end);
}

/** The parts of a text; `stack` is null when it has no frames. */
export function splitStack(text: string): {
  readonly message: string;
  readonly stack: string | null;
} {
  const at = text.indexOf(FRAME);
  return at < 0
    ? { message: text, stack: null }
    : { message: text.slice(0, at), stack: text.slice(at + 1) };
}
