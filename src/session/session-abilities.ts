/**
 * The functions that a connection offers, by name, with their owners: for the `workers` listing and for asking the
 * right threads. Names are Latin-1 texts, so that their bytes come back unchanged.
 */
import { REGISTRATIONS_MAX } from '../protocol/limits.ts';

interface Offered {
  readonly owner: number;
  /** Serial numbers of the registrations, oldest first; at most REGISTRATIONS_MAX. */
  readonly serials: number[];
}

export class SessionAbilities {
  readonly #offered = new Map<string, Offered>();
  /** Functions by owner. */
  readonly #functionCounts: number[] = [];
  #serial = 0;
  /** Threads that own a function of this connection; a bit each. */
  owners = 0;

  /** Adds a registration; true when it is the first one with that owner. */
  add(name: string, owner: number): boolean {
    const known = this.#offered.get(name);
    if (known !== undefined) {
      if (known.serials.length === REGISTRATIONS_MAX) known.serials.shift();
      known.serials.push(++this.#serial);
      return false;
    }
    this.#offered.set(name, { owner, serials: [++this.#serial] });
    const count = this.#functionCounts[owner] ?? 0;
    this.#functionCounts[owner] = count + 1;
    this.owners |= 1 << owner;
    return count === 0;
  }

  /** Removes all registrations of a name; false when there were none. */
  remove(name: string): boolean {
    const known = this.#offered.get(name);
    if (known === undefined) return false;
    this.#offered.delete(name);
    const count = (this.#functionCounts[known.owner] as number) - 1;
    this.#functionCounts[known.owner] = count;
    if (count === 0) this.owners &= ~(1 << known.owner);
    return true;
  }

  /** Names by registration, newest first, as `workers` lists them. */
  names(): string[] {
    const rows: { serial: number; name: string }[] = [];
    for (const [name, { serials }] of this.#offered)
      for (const serial of serials) rows.push({ serial, name });
    return rows.sort((a, b) => b.serial - a.serial).map((row) => row.name);
  }
}
