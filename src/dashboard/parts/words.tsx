/** Small pieces of text that many screens show. Rule: names are bytes of others: they are text, and never markup. */
import type { ComponentChildren } from 'preact';
import { segmentOf } from '../api/paths.ts';
import type { ApiError } from '../api/request.ts';
import { serverNowMs } from '../api/server.ts';
import { duration, isoTime, time } from '../format.ts';
import { hrefOf } from '../routing.ts';

export function FunctionLink({ row }: { row: { name: string; nameEscaped?: string | undefined } }) {
  return (
    <a class="name" href={hrefOf(['functions', segmentOf(row)])}>
      {row.name === '' ? '(no name)' : row.name}
    </a>
  );
}

export function JobLink({ handle }: { handle: string }) {
  return (
    <a class="handle" href={hrefOf(['jobs', encodeURIComponent(handle)])}>
      {handle}
    </a>
  );
}

/** How long ago; the whole moment on hover and for programs. */
export function Ago({ ms }: { ms: number }) {
  const past = serverNowMs() - ms;
  return (
    <time dateTime={isoTime(ms)} title={time(ms)}>
      {past < 0 ? `in ${duration(-past)}` : `${duration(past)} ago`}
    </time>
  );
}

export function Failure({ error }: { error: ApiError }) {
  return (
    <p class="notice bad" role="alert">
      <span aria-hidden="true">▲ </span>
      {error.message}
    </p>
  );
}

export function Loading() {
  return <p class="empty">Loading…</p>;
}

export interface Fact {
  readonly term: string;
  readonly value: ComponentChildren;
  readonly hint?: ComponentChildren;
}

/** A row of figures. */
export function Facts({ facts }: { facts: readonly (Fact | null)[] }) {
  return (
    <dl class="facts">
      {facts.map(
        (fact) =>
          fact !== null && (
            <div key={fact.term}>
              <dt>{fact.term}</dt>
              <dd>
                {fact.value}
                {fact.hint}
              </dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** Links that choose a part of a screen. */
export function Tabs(props: {
  label: string;
  tabs: readonly { readonly title: string; readonly href: string; readonly isHere: boolean }[];
}) {
  return (
    <nav class="tabs" aria-label={props.label}>
      {props.tabs.map(({ title, href, isHere }) => (
        <a key={title} href={href} aria-current={isHere ? 'page' : undefined}>
          {title}
        </a>
      ))}
    </nav>
  );
}

/** A name as a word of a shell. */
export function shellWord(name: string): string {
  return /^[\w.@%+=:,/-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}

/** A command of a shell that helps. */
export function Command({ children }: { children: string }) {
  return <code class="command">{children}</code>;
}
