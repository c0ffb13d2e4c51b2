/** The frame of every screen: head, navigation, search, keys, and the screen that the address names. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { totals } from './api/functions.ts';
import { isLoggedIn, logOut, needsLogin, showLogin } from './api/request.ts';
import { has, may, server } from './api/server.ts';
import { count } from './format.ts';
import { listenToKeys } from './keys.tsx';
import { DialogHost, openDialog } from './parts/dialog.tsx';
import { Toasts } from './parts/toasts.tsx';
import { isLost, lastAnswerMs } from './poll.ts';
import { goTo, hrefOf, route } from './routing.ts';
import { Dead } from './screens/dead.tsx';
import { FunctionScreen } from './screens/function.tsx';
import { Functions } from './screens/functions.tsx';
import { Job } from './screens/job.tsx';
import { Jobs } from './screens/jobs.tsx';
import { Login } from './screens/login.tsx';
import { Overview } from './screens/overview.tsx';
import { Search } from './screens/search.tsx';
import { ServerScreen } from './screens/server.tsx';
import { Submit } from './screens/submit.tsx';
import { Workers } from './screens/workers.tsx';
import { isDark, switchTheme } from './theme.ts';

interface Entry {
  readonly title: string;
  readonly path: string;
  isThere(): boolean;
  badge?(): number;
}

const ENTRIES: readonly Entry[] = [
  { title: 'Overview', path: '', isThere: () => true },
  { title: 'Functions', path: 'functions', isThere: () => true },
  { title: 'Jobs', path: 'jobs', isThere: () => has('jobs') },
  { title: 'Dead', path: 'dead', isThere: () => has('jobs'), badge: () => totals.value.dead },
  { title: 'Workers', path: 'workers', isThere: () => has('connections') && may('inspect') },
  { title: 'Server', path: 'server', isThere: () => true },
];

export function App() {
  useEffect(listenToKeys, []);
  if (needsLogin.value)
    return (
      <>
        <Login />
        <Toasts />
      </>
    );
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to a part of the page, as a link does. */}
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Head />
      <main id="main" tabIndex={-1}>
        <Screen />
      </main>
      <Toasts />
      <DialogHost />
    </>
  );
}

/** The address after `#` is the screen's, so the link moves the focus itself. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function Head() {
  const { segments } = route.value;
  const view = server.value;
  return (
    <header class="head">
      <div class="row">
        <a class="brand" href="#/">
          <img src="./icon.svg" alt="" width="22" height="22" />
          geartrain
        </a>
        <span class="where">
          {location.host}
          {view !== null && <span class="version"> {view.version}</span>}
        </span>
        <Live />
        <SearchField />
        <span class="right">
          {has('submit') && may('operate') && (
            <button type="button" onClick={() => openDialog(<Submit name="" />)}>
              Submit<span class="extra"> a job</span>
            </button>
          )}
          <button
            type="button"
            class="quiet"
            aria-pressed={isDark.value}
            aria-label="Dark colours"
            title="Light or dark"
            onClick={switchTheme}
          >
            {isDark.value ? '☾' : '☀'}
          </button>
          {!isLoggedIn() && view !== null && !view.rights.admin && (
            <button type="button" class="quiet" onClick={() => showLogin(true)}>
              Log in
            </button>
          )}
          {isLoggedIn() && (
            <button type="button" class="quiet" onClick={() => void logOut()}>
              Log out
            </button>
          )}
        </span>
      </div>
      <nav class="main" aria-label="Screens">
        {ENTRIES.filter((entry) => entry.isThere()).map(({ title, path, badge }) => (
          <a
            key={path}
            href={hrefOf(path === '' ? [] : [path])}
            aria-current={(segments[0] ?? '') === path ? 'page' : undefined}
          >
            {title}
            {badge !== undefined && badge() > 0 && <span class="badge">{count(badge())}</span>}
          </a>
        ))}
      </nav>
    </header>
  );
}

/** Whether what is shown is of this second. */
function Live() {
  if (isLost.value)
    return (
      <span class="live lost" role="status">
        <span aria-hidden="true">▲</span> no answer
      </span>
    );
  return (
    <span class="live">
      <span aria-hidden="true">●</span> {lastAnswerMs.value === 0 ? 'connecting' : 'live'}
    </span>
  );
}

function SearchField() {
  const input = useRef<HTMLInputElement>(null);
  const submit = (event: Event): void => {
    event.preventDefault();
    const words = input.current?.value.trim() ?? '';
    if (words !== '') goTo(hrefOf(['search'], { q: words }));
  };
  return (
    <search>
      <form onSubmit={submit}>
        <input
          ref={input}
          id="search"
          type="search"
          aria-label="Search a function, handle or unique key"
          aria-keyshortcuts="/"
          placeholder="Search:  /"
        />
      </form>
    </search>
  );
}

function Screen(): ComponentChildren {
  const { segments } = route.value;
  const [first = '', second, third] = segments;
  switch (first) {
    case '':
      return <Overview />;
    case 'functions':
      return second === undefined ? (
        <Functions />
      ) : (
        <FunctionScreen key={second} segment={second} tab={third ?? 'rates'} />
      );
    case 'jobs':
      return second === undefined ? (
        <Jobs />
      ) : (
        <Job key={second} handle={decodeURIComponent(second)} />
      );
    case 'dead':
      return <Dead />;
    case 'workers':
      return <Workers />;
    case 'server':
      return <ServerScreen tab={second ?? 'shards'} />;
    case 'search':
      return <Search />;
    default:
      return (
        <p class="empty">
          There is no such screen. <a href="#/">Overview</a>
        </p>
      );
  }
}
