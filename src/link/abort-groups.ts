/**
 * Keeps which members wait for which AbortSignal, with one listener for each signal: adding listeners is slow, and Node
 * warns when a signal has more than ten. Rule: a signal without members has no listener of ours.
 */

/** Ends when its signal aborts. */
export interface Abortable {
  abort(reason: unknown): void;
}

interface Group {
  readonly members: Set<Abortable>;
  readonly listener: () => void;
}

export class AbortGroups {
  readonly #groups = new Map<AbortSignal, Group>();

  /** `signal` must not have aborted yet. */
  add(signal: AbortSignal, member: Abortable): void {
    const group = this.#groups.get(signal) ?? this.#listen(signal);
    group.members.add(member);
  }

  remove(signal: AbortSignal, member: Abortable): void {
    const group = this.#groups.get(signal);
    if (group === undefined) return;
    group.members.delete(member);
    if (group.members.size > 0) return;
    signal.removeEventListener('abort', group.listener);
    this.#groups.delete(signal);
  }

  #listen(signal: AbortSignal): Group {
    const members = new Set<Abortable>();
    const listener = (): void => {
      this.#groups.delete(signal);
      for (const member of members) member.abort(signal.reason);
    };
    signal.addEventListener('abort', listener, { once: true });
    const group = { members, listener };
    this.#groups.set(signal, group);
    return group;
  }
}
