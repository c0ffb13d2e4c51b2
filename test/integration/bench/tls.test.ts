/** The bench of TLS with hardly any jobs: every trial is played on both servers. How fast is never asked. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasOpenssl } from '../../support/certificates.ts';

const root = new URL('../../../', import.meta.url).pathname;

/** Its exit status and all that it writes. */
async function bench(...words: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [join(root, 'bench/tls/run.mjs'), ...words]);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

describe('the bench of TLS', () => {
  it.skipIf(!hasOpenssl)(
    'compares two builds, in clear text, by TLS and beside it',
    async () => {
      const { code, output } = await bench('--jobs', '80', '--rounds', '2', '--against', root);
      const figures = String.raw`[\d.]+ \([\d.]+\.\.[\d.]+\)`;
      const compared = `${figures}, against ${figures}, this / against ${figures}`;
      const ofTwo = `${compared}, this / plain ${figures}`;
      const beside = 'plain load beside one idle TLS connection';
      const rows = [1, 32].flatMap((outstanding) => [
        `${outstanding} outstanding, plain: ${compared}`,
        `${outstanding} outstanding, TLS: ${ofTwo}`,
        `${outstanding} outstanding, ${beside}: ${ofTwo}`,
      ]);
      expect(code, output).toBe(0);
      expect(output).toMatch(new RegExp(`^us of CPU a round trip: .*\n${rows.join('\n')}\n$`));
    },
    60_000,
  );

  it.each([
    [['plain', 'tsl'], 'no trial is called tsl'],
    [['--agains', root], "'--agains'"],
    [['--jobs', '2e4'], '--jobs: not a count: 2e4'],
    [['--rounds', '0'], '--rounds: not a count: 0'],
    [['--against', '/nowhere'], '--against: no /nowhere/dist/cli/gearmand.js'],
  ])('refuses %j and names the wrong word', async (words, reason) => {
    const { code, output } = await bench(...words);
    expect(code).toBe(2);
    expect(output.split('\n')[0]).toContain(reason);
  });
});
