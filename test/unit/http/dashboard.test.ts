/** The dashboard's files as a browser gets them, and their sizes. */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Dashboard } from '../../../src/http/dashboard.ts';

const KB = 1000;
const folder = new URL('../../../dist/dashboard/', import.meta.url);
const dashboard = new Dashboard(folder);

/** A file that must be there. */
function find(path: string, headers: Record<string, string> = {}) {
  const answer = dashboard.find(path, headers);
  if (answer === null) throw new Error(`there is no ${path}`);
  return answer;
}

const page = find('').body.toString();
const script = /\.\/(app-[0-9a-f]{10}\.js)/.exec(page)?.[1] as string;
const style = /\.\/(style-[0-9a-f]{10}\.css)/.exec(page)?.[1] as string;

describe('the page', () => {
  it('is there under both names, never kept by the browser, with a policy for what it may load', () => {
    for (const path of ['', 'index.html'])
      expect(find(path).headers).toMatchObject({
        'Content-Type': 'text/html; charset=utf-8',
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
        'Content-Security-Policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
          "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; " +
          "require-trusted-types-for 'script'",
      });
  });

  it('holds no script and no style, and names its files relative to itself', () => {
    expect(page).not.toMatch(/<style|style=|<script>|javascript:|\son\w+=/i);
    const named = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, name]) => name as string);
    expect(named.length).toBe(3);
    for (const name of named) expect(find(name.replace('./', '')).status).toBe(200);
  });

  it('is small', () => {
    const size = (name: string): number => find(name, { 'accept-encoding': 'gzip' }).body.length;
    expect(size(script)).toBeLessThanOrEqual(60 * KB);
    expect(size(style)).toBeLessThanOrEqual(12 * KB);
  });
});

describe('a file with a hash in its name', () => {
  it('is kept by browsers for ever', () => {
    expect(find(script).headers['Cache-Control']).toBe('public, max-age=31536000, immutable');
  });

  it.each([
    ['br, gzip', 'br', brotliDecompressSync],
    ['gzip, deflate', 'gzip', gunzipSync],
    ['br;q=0, GZIP;q=0.5', 'gzip', gunzipSync],
    ['gzip;q=0', undefined, (bytes: Buffer) => bytes],
    ['', undefined, (bytes: Buffer) => bytes],
  ])('is sent to a reader of %j as %s', (accepted, coding, decode) => {
    const { headers, body } = find(script, { 'accept-encoding': accepted });
    expect(headers['Content-Encoding']).toBe(coding);
    expect(headers['Content-Length']).toBe(body.length);
    expect(headers.Vary).toBe('Accept-Encoding');
    expect(decode(body).equals(readFileSync(new URL(script, folder)))).toBe(true);
  });

  it('is not sent again to a reader who has it in this form', () => {
    const { headers } = find(style, { 'accept-encoding': 'br' });
    const known = { 'if-none-match': `"other", W/${headers.ETag}` };
    expect(find(style, { ...known, 'accept-encoding': 'br' })).toMatchObject({ status: 304 });
    expect(find(style, { ...known, 'accept-encoding': 'br' }).body.length).toBe(0);
    expect(find(style, { ...known, 'accept-encoding': 'gzip' }).status).toBe(200);
  });
});

it.each([
  '../package.json',
  'index.html.br',
  'app.js',
  'healthz',
  '%2e%2e/index.html',
  '__proto__',
])('has no answer for %s', (path) => expect(dashboard.find(path, {})).toBeNull());

it('has no answer at all where it was not built', () => {
  const missing = new Dashboard(new URL('../../../dist/no-such-folder/', import.meta.url));
  expect(missing.find('', {})).toBeNull();
});
