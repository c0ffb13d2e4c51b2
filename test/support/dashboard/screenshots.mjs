/**
 * Makes the pictures of docs/dashboard.md from the made-up traffic of examples/dashboard.mjs, in Debian's chromium:
 * `npm run docs:images`. Rule: a picture is small; it is made anew when a screen changes much.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const PICTURES = [
  ['overview-light', '', 'light'],
  ['function-dark', 'functions/mail/dead', 'dark'],
];
/** So long the traffic runs before: rates and plots need something to show. */
const TRAFFIC_MS = 35_000;
const BYTES_MAX = 60_000;

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = `${root}docs/images/`;
mkdirSync(folder, { recursive: true });
const demo = spawn(process.execPath, ['examples/dashboard.mjs'], { cwd: root });
let output = '';
demo.stdout.on('data', (data) => {
  output += data;
});
while (!output.includes('Ctrl-C')) await once(demo.stdout, 'data');
const url = /dashboard: (\S+)/.exec(output)[1];
const token = /token: (\S+)/.exec(output)[1];
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-sync',
];
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });
await Promise.all(PICTURES.map(picture));
await browser.close();
demo.kill();

async function picture([name, path, colorScheme]) {
  const viewport = { width: 800, height: 500 };
  const page = await browser.newPage({ viewport, colorScheme, locale: 'en-GB' });
  await page.goto(`${url}#/${path}`);
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForTimeout(TRAFFIC_MS);
  const file = `${folder}${name}.png`;
  await page.screenshot({ path: file });
  const { size } = statSync(file);
  console.log(`${file}: ${size} bytes`);
  if (size > BYTES_MAX) process.exitCode = 1;
}
