/**
 * Names of a dialogue and their values: `#job` is bound where it first occurs. Rule: different names have different
 * values, so that `#old` and `#new` are two jobs. In a packet only handles have names; in a text line any printable
 * text.
 */
import { type Part, printWord, type Word } from './words.ts';

const HANDLE = '(H:[!-~]{0,40}:\\d{21,34})';
const PRINTABLE = '([!-~]+?)';
/** Gearman's limit is 64 with a NUL at the end. */
const HANDLE_BYTES_MAX = 63;

export class Names {
  readonly #values = new Map<string, string>();
  /** Facts about the server, which may be equal to anything. */
  readonly #given: ReadonlyMap<string, string>;

  /** `given` are names that are known from the start, such as `#pid`. */
  constructor(given: Readonly<Record<string, string>> = {}) {
    this.#given = new Map(Object.entries(given));
  }

  /** Throws Error while `name` is not known. */
  valueOf(name: string): string {
    const value = this.#values.get(name) ?? this.#given.get(name);
    if (value === undefined) throw new Error(`#${name} is not known yet`);
    return value;
  }

  /** The bytes of `word`, all of whose names are known. */
  fill(word: Word): string {
    return word.parts
      .map((part) => (typeof part === 'string' ? part : this.valueOf(part.name)))
      .join('');
  }

  /** Whether `heard` matches `wanted`. If so, unknown names are bound. */
  match(wanted: readonly Word[], heard: readonly string[], isText = false): boolean {
    if (wanted.length !== heard.length) return false;
    const found = new Map<string, string>();
    const unknown = isText ? PRINTABLE : HANDLE;
    const isEqual = wanted.every((word, at) =>
      this.#matchWord(word, heard[at] as string, unknown, found),
    );
    const isNew = ([name, value]: [string, string]): boolean => {
      if (!isText && value.length > HANDLE_BYTES_MAX) return false;
      const others = [...this.#values, ...found].filter(([other]) => other !== name);
      return others.every(([, held]) => held !== value);
    };
    if (!isEqual || ![...found].every(isNew)) return false;
    for (const [name, value] of found) this.#values.set(name, value);
    return true;
  }

  /** Gives `value` the next free number as its name, unless it has a name. */
  number(value: string): void {
    if ([...this.#values.values()].includes(value)) return;
    let n = 1;
    while (this.#values.has(String(n))) n++;
    this.#values.set(String(n), value);
  }

  /** `bytes` as a word in which known values have their names. */
  print(bytes: string, isQuoted = false): string {
    let parts: Part[] = bytes === '' ? [] : [bytes];
    for (const [name, value] of [...this.#values, ...this.#given]) {
      parts = parts.flatMap((part) => (typeof part === 'string' ? cut(part, value, name) : [part]));
    }
    return printWord(parts, isQuoted);
  }

  #matchWord(word: Word, heard: string, unknown: string, found: Map<string, string>): boolean {
    const groups: string[] = [];
    const pattern = word.parts.map((part) => {
      if (typeof part === 'string') return literally(part);
      const { name } = part;
      const value = found.get(name) ?? this.#values.get(name) ?? this.#given.get(name);
      if (value !== undefined) return literally(value);
      const before = groups.indexOf(name);
      if (before >= 0) return `\\${before + 1}`;
      groups.push(name);
      return unknown;
    });
    if (groups.length === 0 && !word.parts.some((part) => typeof part !== 'string')) {
      return word.parts.join('') === heard;
    }
    const values = new RegExp(`^${pattern.join('')}$`, 's').exec(heard);
    if (values === null) return false;
    for (const [at, name] of groups.entries()) found.set(name, values[at + 1] as string);
    return true;
  }
}

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** Only whole words of `text` are taken for `value`, so that `1` is not found in `12`. */
function cut(text: string, value: string, name: string): Part[] {
  const pieces = text.split(new RegExp(`(?<![!-~])${literally(value)}(?![!-~])`));
  return pieces.flatMap((piece, at): Part[] => {
    const named = at === 0 ? [] : [{ name }];
    return piece === '' ? named : [...named, piece];
  });
}
