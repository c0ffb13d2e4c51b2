/** Cuts bytes into lines; a line may span chunks, and NUL is an ordinary byte. */

const LF = 0x0a;

export class LineCutter {
  readonly #keepsEnd: boolean;
  #parts: Uint8Array[] = [];

  /** `keepsEnd`: lines include their LF. */
  constructor(keepsEnd: boolean) {
    this.#keepsEnd = keepsEnd;
  }

  /** The lines that `chunk` completes; they may share its memory. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      const part = chunk.subarray(start, this.#keepsEnd ? end + 1 : end);
      start = end + 1;
      if (this.#parts.length === 0) yield part;
      else yield this.#joined(part);
    }
    if (start < chunk.length) this.#parts.push(chunk.subarray(start));
  }

  /** The last line, if it has no end. */
  *flush(): Generator<Uint8Array> {
    if (this.#parts.length > 0) yield this.#joined(new Uint8Array(0));
  }

  #joined(last: Uint8Array): Uint8Array {
    const line = Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    return line;
  }
}
