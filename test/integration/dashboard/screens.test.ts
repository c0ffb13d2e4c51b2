/** Every screen of the dashboard in Debian's chromium: what it shows, in both themes, on a small window, with hostile names. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, Watched } from '../../support/dashboard/browser.ts';
import {
  addFunction,
  addJob,
  connectionRow,
  dayData,
  functionRow,
  jobView,
  manyData,
  noData,
  RIGHTS,
} from '../../support/dashboard/data.ts';
import { CAPABILITIES, MockServer } from '../../support/dashboard/mock-server.ts';
import { requirePeer } from '../../support/peers.ts';

const DEAD = 'H%3Ajobs1%3A218293509901000000001';
const RUNNING = 'H%3Ajobs1%3A218293509901000000200';
/** Address of a screen, and a word that it must show. */
const SCREENS: readonly (readonly [path: string, word: string])[] = [
  ['', '812 queued, no worker for 4 min'],
  ['functions', 'at its limit'],
  ['functions/resize', 'As many jobs run as its policy allows'],
  ['functions/resize/wait', 'How long its jobs waited'],
  ['functions/resize/run', 'How long its jobs ran'],
  ['functions/mail/jobs', 'order-20'],
  ['functions/resize/dead', 'the image has no size'],
  ['jobs', 'order-12'],
  [`jobs/${DEAD}`, 'the image has no size'],
  [`jobs/${RUNNING}`, '40 of 100'],
  ['dead', 'Choose a function'],
  ['workers', 'worker-3'],
  ['server', 'token ops'],
  ['server/stores', 'refuses'],
  ['server/options', '--threads'],
  ['server/log', 'The log shows'],
  ['server/audit', 'Nobody has changed anything'],
  ['search?q=resize', 'Functions'],
  ['search?q=order-30', 'Jobs with this unique key'],
  ['functions/nothing', 'gearman -w -f nothing -- cat'],
];

const hasBrowser = requirePeer('chromium');

describe.skipIf(!hasBrowser)('the dashboard', () => {
  let browser: Browser;
  let server: MockServer;
  beforeAll(async () => {
    browser = await openBrowser();
    server = await MockServer.start({ data: dayData() });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const)('shows every screen, in %s colours, %i pixels wide', async (theme, width) => {
    const seen = await Watched.open(browser, server.url, { theme, width });
    for (const [path, word] of SCREENS) {
      await seen.show(path);
      // On a small window some columns are left out.
      await seen.page.getByText(word).first().waitFor({ state: 'attached' });
      expect(await seen.overflow(), path).toBeLessThanOrEqual(0);
      expect(await seen.violations(), path).toEqual([]);
    }
    await seen.close();
  });

  it('is reached by keys: skip link, keys of screens, search, help', async () => {
    const seen = await Watched.open(browser, server.url);
    const { page } = seen;
    await seen.show('');
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toContain('Skip');
    await page.keyboard.press('Enter');
    expect(await page.locator(':focus').getAttribute('id')).toBe('main');
    for (const [key, title] of [
      ['f', 'Functions'],
      ['j', 'Jobs'],
      ['d', 'Dead jobs'],
      ['w', 'Workers'],
      ['s', 'Server'],
    ] as const) {
      await page.keyboard.press(key);
      await page.getByRole('heading', { name: title, exact: true, level: 1 }).waitFor();
    }
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    expect(await seen.violations()).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('/');
    await page.keyboard.type('resize');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Search: resize' }).waitFor();
    await seen.press(page.getByRole('link', { name: 'resize' }).first(), 'keyboard');
    await page.getByRole('heading', { name: 'resize', level: 1 }).waitFor();
    await seen.close();
  });

  it('shows a plot as a table too', async () => {
    const seen = await Watched.open(browser, server.url);
    await seen.show('functions/thumbnail');
    await seen.page.getByText('As a table').first().click();
    const table = seen.page.getByRole('region', { name: /Jobs a second.*as a table/ });
    await table.getByRole('columnheader', { name: 'done' }).waitFor();
    await table.getByRole('rowheader').first().waitFor();
    expect(await seen.violations()).toEqual([]);
    await seen.close();
  });

  it('is live: a job that comes is there without a reload', async () => {
    const seen = await Watched.open(browser, server.url);
    await seen.show('functions');
    await seen.page.getByText('report').waitFor();
    addFunction(server.data, functionRow('newcomer'));
    await seen.page.getByText('newcomer').waitFor();
    server.data.functions.delete('newcomer');
    await seen.page.getByText('newcomer').waitFor({ state: 'detached' });
    await seen.close();
  });

  it('keeps the theme that its reader chose', async () => {
    const seen = await Watched.open(browser, server.url);
    const theme = () => seen.page.locator('html').getAttribute('data-theme');
    await seen.show('');
    expect(await theme()).toBe('light');
    await seen.press(seen.button('Dark colours'), 'keyboard');
    await seen.page.reload();
    await seen.page.getByText('live').waitFor();
    expect(await theme()).toBe('dark');
    await seen.close();
  });
});

const XSS = '<img src=x onerror="alert(1)"><script>alert(2)</script>\'"`{{7*7}}javascript:alert(3)';

it.skipIf(!hasBrowser)('shows hostile names, keys, errors and workloads as text', async () => {
  const data = noData();
  addFunction(data, functionRow(XSS, { dead: 1, queued: 3 }));
  const lastError = {
    cause: 'exception',
    atMs: Date.now(),
    runMs: 1,
    worker: XSS,
    text: XSS,
  } as const;
  const job = addJob(
    data,
    jobView(1, XSS, { state: 'dead', attempts: 1, unique: XSS, worker: XSS, lastError }),
  );
  data.workloads.set(job.handle, XSS);
  data.connections.set('1.1', { ...connectionRow(1, [XSS]), clientId: XSS, address: XSS });
  const [browser, server] = [await openBrowser(), await MockServer.start({ data })];
  const seen = await Watched.open(browser, server.url);
  const name = encodeURIComponent(XSS);
  const handle = encodeURIComponent(job.handle);
  for (const path of [
    ...['', 'functions', `functions/${name}`, `functions/${name}/dead`, 'jobs', 'dead', 'workers'],
    ...[`jobs/${handle}`, `search?q=${name}`, `functions/${name}x`, `functions?match=${name}`],
  ]) {
    await seen.show(path);
    await seen.page.getByText(XSS).first().waitFor();
    expect(await seen.page.locator('main img, main script').count(), path).toBe(0);
  }
  await seen.show(`jobs/${handle}`);
  await seen.press(seen.button(/^Show/), 'mouse');
  await seen.page.locator('pre.workload', { hasText: XSS }).waitFor();
  await seen.press(seen.button('Delete'), 'mouse');
  await seen.page.getByRole('dialog').getByText(XSS).waitFor();
  await seen.close();
  await browser.close();
  await server.stop();
});

it.skipIf(!hasBrowser)('leaves out what the server lacks or the caller may not do', async () => {
  const rights = { ...RIGHTS, inspect: false, operate: false, admin: false };
  const [browser, server] = [
    await openBrowser(),
    await MockServer.start({ data: dayData(), rights, capabilities: CAPABILITIES }),
  ];
  const seen = await Watched.open(browser, server.url);
  for (const path of ['', 'functions/resize', 'functions/resize/dead', `jobs/${DEAD}`, 'server']) {
    await seen.show(path);
    await seen.page.getByText('live').waitFor();
    for (const word of ['Pause', 'Drain', 'Policy', 'Submit', 'Retry', 'Delete', 'Show'])
      expect(await seen.page.getByRole('button', { name: word }).count(), `${path} ${word}`).toBe(
        0,
      );
    for (const word of ['Workers', 'Options', 'Audit'])
      expect(await seen.page.getByRole('link', { name: word }).count(), `${path} ${word}`).toBe(0);
  }
  await seen.close();
  await browser.close();
  await server.stop();
});

it.skipIf(!hasBrowser)('has room for 20,000 functions and 100,000 jobs', async () => {
  const [browser, server] = [
    await openBrowser(),
    await MockServer.start({ data: manyData(20_000, 100_000) }),
  ];
  const seen = await Watched.open(browser, server.url);
  await seen.page.addInitScript(() => {
    const tasks: number[] = [];
    Object.assign(globalThis, { tasks });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration);
    }).observe({ type: 'longtask' as 'measure', buffered: true });
  });
  await seen.show('functions');
  await seen.page.getByText('20,000 of 20,000', { exact: true }).waitFor();
  await seen.press(seen.button(/^Queued/), 'mouse');
  await seen.page.getByText('1 to 100 of 20,000').waitFor();
  await seen.press(seen.button('Next'), 'mouse');
  await seen.page.getByText('101 to 200 of 20,000').waitFor();
  expect(await seen.page.locator('tbody tr').count()).toBe(100);
  await seen.page.getByLabel('Name contains').fill('019999');
  await seen.page.getByText('1 of 20,000', { exact: true }).waitFor();
  await seen.show('jobs');
  await seen.press(seen.button('Next'), 'mouse');
  await seen.page.getByText('order-150').waitFor();
  expect(await seen.page.locator('tbody tr').count()).toBe(100);
  const tasks = await seen.page.evaluate(
    () => (globalThis as unknown as { tasks: number[] }).tasks,
  );
  // A measure of time: only where the machine is its own.
  if (process.env.GEARTRAIN_FULL === '1') expect(Math.max(0, ...tasks)).toBeLessThan(200);
  console.log(`long tasks: ${tasks.map(Math.round).join(' ')} ms`);
  await seen.close();
  await browser.close();
  await server.stop();
});
