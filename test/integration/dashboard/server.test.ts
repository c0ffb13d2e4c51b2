/** The dashboard of a real server in Debian's chromium: without a token, with one, with jobs that run and die. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openBrowser, Watched } from '../../support/dashboard/browser.ts';
import { requirePeer } from '../../support/peers.ts';
import { startServer, type TestServer } from '../../support/servers.ts';

const TOKEN = 'a-token-of-more-than-16-characters';
const HOSTILE = '<img/src=x/onerror=alert(1)>';
const hasBrowser = requirePeer('chromium');

describe.skipIf(!hasBrowser).each([0, 2])('with %i shards', (threads) => {
  let browser: Browser;
  let server: TestServer;
  let url = '';
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-dashboard-'));
  beforeAll(async () => {
    writeFileSync(join(folder, 'token'), TOKEN, { mode: 0o600 });
    server = await startServer('geartrain', {
      threads,
      args: [
        ...['--control=127.0.0.1:0', `--control-token-file=${join(folder, 'token')}`],
        `--policy=${encodeURIComponent(HOSTILE)}=attempts:1`,
      ],
    });
    const peer = await server.connect();
    peer.send('CAN_DO', HOSTILE);
    peer.send('SUBMIT_JOB_BG', HOSTILE, HOSTILE, HOSTILE);
    const [handle] = (await peer.expect('JOB_CREATED')).args;
    peer.send('GRAB_JOB');
    await peer.expect('JOB_ASSIGN');
    peer.send('WORK_EXCEPTION', handle as Buffer, HOSTILE);
    peer.send('SUBMIT_JOB_BG', 'waits', 'key-of-the-job', 'x');
    await peer.expect('JOB_CREATED');
    await peer.close();
    await vi.waitFor(() => expect(server.output()).toMatch(/control on/));
    url = `http://127.0.0.1:${/control on 127\.0\.0\.1:(\d+)/.exec(server.output())?.[1]}/`;
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  async function logIn(path: string): Promise<Watched> {
    const seen = await Watched.open(browser, url);
    await seen.show(path);
    await seen.page.getByLabel('Token').fill(TOKEN);
    await seen.page.keyboard.press('Enter');
    await seen.page
      .getByText('the control token')
      .or(seen.page.getByText('live'))
      .first()
      .waitFor();
    return seen;
  }

  it('its files need no token, its data do', async () => {
    const [page, data] = await Promise.all([fetch(url), fetch(`${url}v1/functions`)]);
    expect([page.status, data.status]).toEqual([200, 401]);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; /);
    expect(await page.text()).toContain('<title>geartrain</title>');
    const post = await fetch(url, { method: 'POST' });
    expect(post.status).toBe(401);
  });

  it('every screen shows what is there, as text', async () => {
    const seen = await logIn('');
    for (const [path, word] of [
      ['', HOSTILE],
      ['functions', 'waits'],
      ['functions/waits', 'No worker offers it'],
      ['functions/waits/jobs', 'key-of-the-job'],
      [`functions/${encodeURIComponent(HOSTILE)}/dead`, HOSTILE],
      ['jobs', 'key-of-the-job'],
      ['dead', HOSTILE],
      ['workers', 'No worker is connected'],
      ['server/shards', 'running'],
      ['server/stores', 'in memory'],
      ['server/options', '--control-token-file'],
      ['server/log', 'The log shows'],
      ['server/audit', 'Audit'],
      [`search?q=${encodeURIComponent('key-of-the-job')}`, 'Jobs with this unique key'],
    ] as const) {
      await seen.go(path);
      await seen.page.locator('main').getByText(word).first().waitFor();
    }
    await seen.close();
  });

  it('jobs are retried, functions paused and resumed, policies changed', async () => {
    const seen = await logIn(`functions/${encodeURIComponent(HOSTILE)}/dead`);
    const { page } = seen;
    await seen.press(seen.button(/^Retry all/), 'mouse');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Retry 1 dead jobs of').waitFor();
    await dialog.getByLabel('to go on').fill(HOSTILE);
    await seen.press(dialog.getByRole('button', { name: 'Retry', exact: true }), 'mouse');
    await page.getByText('1 of 1').waitFor();
    await seen.go('functions/waits');
    await seen.press(seen.button('Pause'), 'mouse');
    await page.getByText('Paused for another').waitFor();
    await seen.press(seen.button('Undo'), 'mouse');
    await page.getByText('No worker offers it').waitFor();
    await seen.press(seen.button('Policy'), 'mouse');
    await dialog.getByLabel('concurrency').fill('many');
    await seen.press(seen.button('Change'), 'mouse');
    await dialog.getByRole('alert').getByText('concurrency').waitFor();
    await dialog.getByLabel('concurrency').fill('3');
    await seen.press(seen.button('Change'), 'mouse');
    await page.getByText('concurrency 3', { exact: true }).waitFor();
    await seen.go('server/audit');
    await page.getByText('setPolicy').first().waitFor();
    await seen.close();
  });
});

it.skipIf(!hasBrowser)('a caller without a token looks around, and sees no more', async () => {
  const args = ['--control=127.0.0.1:0'];
  const [browser, server] = [await openBrowser(), await startServer('geartrain', { args })];
  const peer = await server.connect();
  peer.send('SUBMIT_JOB_BG', 'waits', 'key-of-the-job', 'x');
  await peer.expect('JOB_CREATED');
  await vi.waitFor(() => expect(server.output()).toMatch(/control on/));
  const port = /control on 127\.0\.0\.1:(\d+)/.exec(server.output())?.[1];
  const seen = await Watched.open(browser, `http://127.0.0.1:${port}/`);
  await seen.show('jobs');
  await seen.page.locator('td a.handle').first().click();
  await seen.page.getByText('queued').first().waitFor();
  for (const word of ['key-of-the-job', 'Workload', 'Cancel', 'Workers', 'Submit'])
    expect(await seen.page.getByText(word, { exact: true }).count(), word).toBe(0);
  await seen.button('Log in').waitFor();
  await seen.close();
  await peer.close();
  await browser.close();
  await server.stop();
});

it('can be left out', async () => {
  const args = ['--control=127.0.0.1:0', '--dashboard=off'];
  const server = await startServer('geartrain', { args });
  await vi.waitFor(() => expect(server.output()).toMatch(/control on/));
  const port = /control on 127\.0\.0\.1:(\d+)/.exec(server.output())?.[1];
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${port}/v1`)).status).toBe(200);
  await server.stop();
});
