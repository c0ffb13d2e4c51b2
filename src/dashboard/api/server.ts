/**
 * What the server is, has and lets this caller do. Rule: a screen or button is there only if the server has the part
 * and the caller has the right; the server decides in any case.
 */
import { computed, effect, signal } from '@preact/signals';
import { startPolling } from '../poll.ts';
import { get, needsLogin } from './request.ts';
import type { RightName, RouteName, ServerView } from './types.ts';

export const server = signal<ServerView | null>(null);

/** What the server's clock shows more than the reader's, milliseconds. */
export const clockAheadMs = signal(0);

const EVERY_MS = 5000;

/** Starts to follow the server; again after each login. */
export function followServer(): void {
  effect(() => {
    if (needsLogin.value) {
      server.value = null;
      return;
    }
    const polling = startPolling(
      (stop) => get<ServerView>('v1', stop),
      EVERY_MS,
      (view) => {
        clockAheadMs.value = view.nowMs - Date.now();
        server.value = view;
      },
      () => {},
    );
    return polling.stop;
  });
}

/** The time of the server, milliseconds since 1970. */
export function serverNowMs(): number {
  return Date.now() + clockAheadMs.value;
}

const capabilities = computed(() => new Set(server.value?.capabilities));

/** What this program uses if it is there. */
export type Capability = RouteName | 'series' | 'session';

export function has(capability: Capability): boolean {
  return capabilities.value.has(capability);
}

/** For at least one function; what may be done with one of them, the answer about it says. */
export function may(right: RightName): boolean {
  return server.value?.rights[right] ?? false;
}
