/**
 * Which screen is shown: the part of the address after `#`, such as `#/functions/mail/jobs?state=dead`. Rule: a screen
 * is its address, so that back, reload and a shared link work; the server never sees it.
 */
import { computed, signal } from '@preact/signals';

export interface Route {
  /** Segments, still escaped. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

export const route = computed<Route>(() => {
  const [path = '', query = ''] = hash.value.replace(/^#\/?/, '').split('?');
  return {
    segments: path.split('/').filter((segment) => segment !== ''),
    query: new URLSearchParams(query),
  };
});

/** The address of a screen. `segments` are escaped by the caller where they are names. */
export function hrefOf(
  segments: readonly string[],
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== '') words.set(key, value);
  const text = words.toString();
  return `#/${segments.join('/')}${text === '' ? '' : `?${text}`}`;
}

/** Shows another screen. */
export function goTo(href: string): void {
  location.hash = href;
}

/** Changes the query of this screen, without a step in the history of the browser. */
export function replaceQuery(query: Readonly<Record<string, string | undefined>>): void {
  history.replaceState(null, '', hrefOf(route.value.segments, query));
  hash.value = location.hash;
}
