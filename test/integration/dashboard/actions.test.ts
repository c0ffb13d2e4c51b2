/** What a person does in the dashboard, by mouse and by keyboard alone, and the requests that follow. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser, Watched } from '../../support/dashboard/browser.ts';
import { dayData } from '../../support/dashboard/data.ts';
import { MockServer } from '../../support/dashboard/mock-server.ts';
import { requirePeer } from '../../support/peers.ts';

const DEAD = 'H%3Ajobs1%3A218293509901000000001';
const QUEUED = 'H%3Ajobs1%3A218293509901000000020';
const hasBrowser = requirePeer('chromium');

describe.skipIf(!hasBrowser).each(['mouse', 'keyboard'] as const)('by %s', (way) => {
  let browser: Browser;
  let server: MockServer;
  let seen: Watched;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    server = await MockServer.start({ data: dayData() });
    seen = await Watched.open(browser, server.url);
    return async () => {
      await seen.close();
      await server.stop();
    };
  });

  const press = (name: string | RegExp): Promise<void> => seen.press(seen.button(name), way);
  const inDialog = (name: string): Promise<void> =>
    seen.press(seen.page.getByRole('dialog').getByRole('button', { name, exact: true }), way);
  const changes = (): Promise<string[]> => Promise.resolve(server.takeChanges());

  it('a function is paused, and goes on by Undo', async () => {
    await seen.show('functions/report');
    await press('Pause');
    await seen.toast('report is paused for 10 min');
    expect(await changes()).toEqual(['POST v1/functions/report:pause {"seconds":600}']);
    await seen.page.getByText('Paused for another').waitFor();
    expect(await seen.violations()).toEqual([]);
    await press('Undo');
    await seen.toast('Undone');
    expect(await changes()).toEqual(['POST v1/functions/report:resume']);
  });

  it('a paused function goes on, and is paused for the rest of its time by Undo', async () => {
    await seen.show('functions/invoice');
    await press('Resume');
    await seen.toast('invoice goes on');
    await press('Undo');
    await seen.toast('Undone');
    expect(await changes()).toEqual([
      'POST v1/functions/invoice:resume',
      'POST v1/functions/invoice:pause {"seconds":540}',
    ]);
  });

  it('a function is drained', async () => {
    await seen.show('functions/report');
    await press('Drain');
    await seen.toast('report is draining');
    expect(await changes()).toEqual(['POST v1/functions/report:drain']);
  });

  it('a policy is changed, and a value that the server refuses stays to be mended', async () => {
    await seen.show('functions/resize');
    await press('Policy');
    const dialog = seen.page.getByRole('dialog');
    expect(await seen.violations()).toEqual([]);
    await seen.type(dialog.getByLabel('concurrency'), 'no!', way);
    await inDialog('Change');
    await seen.toast('concurrency is no number');
    await seen.type(dialog.getByLabel('concurrency'), '7', way);
    server.takeChanges();
    await inDialog('Change');
    await seen.toast('resize: concurrency 7');
    const [patch] = server.seen.filter(({ method }) => method === 'PATCH');
    expect(patch?.headers['if-match']).toMatch(/^".+"$/);
    expect(await changes()).toEqual(['PATCH v1/functions/resize {"policy":{"concurrency":"7"}}']);
    await press('Undo');
    await seen.toast('Undone');
    expect(await changes()).toEqual(['PATCH v1/functions/resize {"policy":{"concurrency":"5"}}']);
  });

  it('a job is submitted, and one that is refused is said to be', async () => {
    await seen.show('functions/report');
    await seen.press(seen.page.locator('main').getByRole('button', { name: 'Submit' }), way);
    const dialog = seen.page.getByRole('dialog');
    await seen.type(dialog.getByLabel('Workload'), 'hello', way);
    await inDialog('Submit');
    await dialog.getByText('H:jobs1:').waitFor();
    expect(await seen.violations()).toEqual([]);
    await seen.tick(dialog.getByLabel('in the background'), way);
    await inDialog('Submit');
    await dialog.locator('pre', { hasText: 'hello' }).waitFor();
    const submits = server.seen.filter(({ method }) => method === 'POST');
    expect(submits.map(({ body }) => body)).toEqual([
      ...[true, false].map((isBackground) => ({
        ...{ function: 'report', workload: 'hello', priority: 'normal', isBackground },
      })),
    ]);
    expect(submits[1]?.headers.prefer).toBe('wait=30');
    await seen.type(dialog.getByLabel('Function'), 'refused', way);
    await inDialog('Submit');
    await dialog.getByText('the function takes no new jobs').waitFor();
  });

  it('a dead job is queued again, and buried by Undo', async () => {
    await seen.show(`jobs/${DEAD}`);
    await press('Retry');
    await seen.toast('queued again');
    await press('Undo');
    await seen.toast('Undone');
    expect(await changes()).toEqual([`POST v1/jobs/${DEAD}:retry`, `POST v1/jobs/${DEAD}:bury`]);
  });

  it('a waiting job is cancelled after a word of warning', async () => {
    await seen.show(`jobs/${QUEUED}`);
    await press('Cancel');
    expect(await seen.violations()).toEqual([]);
    await inDialog('Cancel the job');
    await seen.toast('cancelled');
    expect(await changes()).toEqual([`POST v1/jobs/${QUEUED}:cancel`]);
    await seen.page.getByText('gone').first().waitFor();
  });

  it('a job is deleted only when the name of its function was typed', async () => {
    await seen.show(`jobs/${DEAD}`);
    await press('Delete');
    const dialog = seen.page.getByRole('dialog');
    await seen.type(dialog.getByLabel('to go on'), 'resiz', way);
    expect(await dialog.getByRole('button', { name: 'Delete the job' }).isDisabled()).toBe(true);
    await seen.type(dialog.getByLabel('to go on'), 'resize', way);
    await inDialog('Delete the job');
    await seen.toast('deleted');
    expect(await changes()).toEqual([`DELETE v1/jobs/${DEAD}`]);
  });

  it('a workload is shown only when asked for', async () => {
    await seen.show(`jobs/${DEAD}`);
    await seen.page.getByText('Each look at a workload').waitFor();
    expect(server.seen.filter(({ path }) => path.includes('workload'))).toEqual([]);
    await press(/^Show/);
    await seen.page.getByText('anna@example.org').waitFor();
    await seen.choose(seen.page.getByLabel('Show as'), 'hex', way);
    await expect
      .poll(() => server.seen.filter(({ path }) => path.endsWith('as=hex')).length)
      .toBeGreaterThan(0);
    const download = seen.page.waitForEvent('download');
    await press('Download');
    expect((await download).suggestedFilename()).toBe('H_jobs1_218293509901000000001.bin');
  });

  it('some dead jobs are selected, and queued again or deleted', async () => {
    await seen.show('functions/mail/dead');
    const boxes = seen.page.getByRole('checkbox', { name: /^Select H:/ });
    for (const at of [0, 1]) await seen.tick(boxes.nth(at), way);
    await press('Retry selected (2)');
    await seen.toast('2 jobs queued again');
    const handles = [10, 11, 12].map(
      (serial) => `v1/jobs/H%3Ajobs1%3A2182935099010000000${serial}`,
    );
    expect((await changes()).sort()).toEqual(
      handles.slice(0, 2).map((path) => `POST ${path}:retry`),
    );
    await expect.poll(() => boxes.count()).toBe(1);
    await seen.tick(seen.page.getByRole('checkbox', { name: 'Select all' }), way);
    await press('Delete selected');
    const dialog = seen.page.getByRole('dialog');
    await seen.type(dialog.getByLabel('to go on'), 'mail', way);
    await inDialog('Delete');
    await seen.toast('1 job deleted');
    expect(await changes()).toEqual([`DELETE ${handles[2]}`]);
  });

  it('all dead jobs that match are counted, queued again at a rate, and left alone half-way', async () => {
    await seen.show('functions/resize/dead');
    await seen.choose(seen.page.getByLabel('Cause'), 'exception', way);
    await press(/^Retry all/);
    const dialog = seen.page.getByRole('dialog');
    await dialog.getByText('Retry 9 dead jobs of resize as of').waitFor();
    expect(await seen.violations()).toEqual([]);
    await seen.type(dialog.getByLabel('to go on'), 'resize', way);
    await inDialog('Retry');
    await seen.toast('has begun');
    const filter = { function: 'resize', state: 'dead', cause: 'exception' };
    expect(await changes()).toEqual([
      `POST v1/bulk ${JSON.stringify({ action: 'retry', filter, isDryRun: true })}`,
      `POST v1/bulk ${JSON.stringify({ action: 'retry', filter, perSecond: 50 })}`,
    ]);
    await press('Cancel');
    await seen.toast('The rest stays');
    expect(await changes()).toEqual(['DELETE v1/bulk/2']);
  });

  it('a connection is closed', async () => {
    await seen.show('workers');
    await press('Close 1.3');
    await inDialog('Close it');
    await seen.toast('closed');
    expect(await changes()).toEqual(['DELETE v1/connections/1.3']);
    await seen.page.getByText('worker-3').waitFor({ state: 'detached' });
  });

  it('the level of the log is changed, and back by Undo', async () => {
    await seen.show('server/log');
    await seen.choose(seen.page.getByLabel('The log shows'), 'DEBUG', way);
    expect(await changes()).toEqual([]);
    await press('Change');
    await seen.toast('The log shows DEBUG');
    await press('Undo');
    await seen.toast('Undone');
    expect(await changes()).toEqual([
      'PUT v1/log-level {"level":"DEBUG"}',
      'PUT v1/log-level {"level":"INFO"}',
    ]);
  });
});

describe.skipIf(!hasBrowser)('with a token', () => {
  const TOKEN = 'a-token-of-more-than-16-characters';

  it('asks for it, refuses another one, and forgets it at the end, also below a path', async () => {
    const browser = await openBrowser();
    const server = await MockServer.start({ data: dayData(), token: TOKEN, mount: '/admin/jobs' });
    const seen = await Watched.open(browser, server.url);
    const { page } = seen;
    await seen.show('functions/resize');
    const token = page.getByLabel('Token');
    expect(await seen.violations()).toEqual([]);
    await seen.type(token, 'a-wrong-token-of-many-characters', 'keyboard');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('a token is needed').waitFor();
    await seen.type(token, TOKEN, 'keyboard');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'resize' }).waitFor();
    expect(server.seen.filter(({ path }) => path.includes(TOKEN))).toEqual([]);
    const kept = await page.evaluate('JSON.stringify([localStorage, sessionStorage])');
    expect(kept).not.toContain(TOKEN);
    await seen.press(seen.button('Log out'), 'keyboard');
    await token.waitFor();
    await seen.close();
    await browser.close();
    await server.stop();
  });
});
