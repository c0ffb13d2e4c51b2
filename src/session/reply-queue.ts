/**
 * Replies that wait for their turn on one connection. A place is taken in request order and filled whenever its answer
 * is there; only the front leaves. While nothing waits a connection has no queue and replies go straight out.
 */

/** A piece of output: bytes of ours, or a whole blob (one reference is the piece's). */
export type Piece = Uint8Array | { readonly blob: number; readonly byteCount: number };

/** Most places get their answer when they are in front, straight into the output, and never have pieces. */
const NO_PIECES: readonly Piece[] = [];

export class Place {
  /** Of its first reply. */
  id: number;
  /** Replies that it stands for, one behind the other: more than one only while none of them is filled. */
  count: number;
  isFilled = false;
  #pieces = NO_PIECES as Piece[];

  constructor(id: number, count = 1) {
    this.id = id;
    this.count = count;
  }

  /** What it has so far. */
  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  add(...pieces: readonly Piece[]): void {
    if (this.#pieces === NO_PIECES) this.#pieces = [...pieces];
    else this.#pieces.push(...pieces);
  }

  /** Gives up what it has so far. */
  empty(): void {
    this.#pieces = NO_PIECES as Piece[];
  }
}

export class ReplyQueue {
  /** Those before `#first` have left and are not kept. */
  readonly #places: (Place | undefined)[] = [];
  #first = 0;
  #nextId: number;
  /** The last place, if it takes more replies. */
  #open: Place | null = null;

  /** Ids go on from `nextId`, so that a late answer never meets another place of the same number. */
  constructor(nextId: number) {
    this.#nextId = nextId;
  }

  /** Replies that wait. */
  get length(): number {
    const { front } = this;
    return front === undefined ? 0 : (this.#nextId - front.id) | 0;
  }

  get nextId(): number {
    return this.#nextId;
  }

  get front(): Place | undefined {
    return this.#places[this.#first];
  }

  /** Takes the next place. */
  take(): Place {
    this.#open = null;
    return this.#add();
  }

  /**
   * Takes the next place for a reply that is answered by its number, with `pass` or `single`; returns that. Such replies in
   * a row share a place.
   */
  postpone(): number {
    if (this.#open === null) {
      this.#open = this.#add();
      return this.#open.id;
    }
    this.#open.count++;
    const id = this.#nextId;
    this.#nextId = (id + 1) | 0;
    return id;
  }

  /** Whether reply `id` is the next to leave. Then it has left: the caller sends it. */
  pass(id: number): boolean {
    const { front } = this;
    if (front?.id !== id) return false;
    if (front.count === 1) {
      this.shift();
      return true;
    }
    front.count--;
    front.id = (id + 1) | 0;
    return true;
  }

  /** The waiting place of reply `id` alone, or undefined. */
  single(id: number): Place | undefined {
    const at = this.#indexOf(id);
    const place = this.#places[at];
    if (place === undefined || place.count === 1) return place;
    const own = new Place(id);
    const parts = [own];
    const before = (id - place.id) | 0;
    const behind = place.count - before - 1;
    if (before > 0) parts.unshift(new Place(place.id, before));
    if (behind > 0) parts.push(new Place((id + 1) | 0, behind));
    this.#places.splice(at, 1, ...parts);
    this.#open = null;
    return own;
  }

  /** The waiting place that stands for reply `id`, or undefined. */
  find(id: number): Place | undefined {
    return this.#places[this.#indexOf(id)];
  }

  /** Removes the front place. */
  shift(): void {
    if (this.front === this.#open) this.#open = null;
    this.#places[this.#first++] = undefined;
    if (this.#first < 1024 || this.#first * 2 < this.#places.length) return;
    this.#places.splice(0, this.#first);
    this.#first = 0;
  }

  /** All places, front first; for giving up on them. */
  *[Symbol.iterator](): Iterator<Place> {
    for (let i = this.#first; i < this.#places.length; i++) yield this.#places[i] as Place;
  }

  #add(): Place {
    const place = new Place(this.#nextId);
    this.#nextId = (this.#nextId + 1) | 0;
    this.#places.push(place);
    return place;
  }

  /** Where the place of reply `id` lies, or -1. */
  #indexOf(id: number): number {
    const places = this.#places;
    const isBehind = (at: number): boolean => ((id - (places[at] as Place).id) | 0) >= 0;
    let low = this.#first;
    if (low === places.length || !isBehind(low) || ((id - this.#nextId) | 0) >= 0) return -1;
    for (let high = places.length; high - low > 1; ) {
      const middle = (low + high) >>> 1;
      if (isBehind(middle)) low = middle;
      else high = middle;
    }
    return low;
  }
}
