/** What operators get beside the program: unit file, image, health check and manual pages, each tried by its own tool. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../support/free-port.mjs';
import { requirePeer } from '../../support/peers.ts';
import { startServer, type TestServer } from '../../support/servers.ts';
import { root, run } from './packed.ts';

const here = { cwd: root };
const unitFile = join(root, 'src/packaging/geartrain.service');
const healthCheck = join(root, 'dist/packaging/health-check.js');
/** systemd calls a service below 2 "OK"; without any hardening it is 9.6. */
const EXPOSURE_MAX = 2;

const hasSystemd = requirePeer('systemd-analyze');

describe('the systemd unit', () => {
  it.skipIf(!hasSystemd)('is accepted by systemd without a word', () => {
    const { code, stdout, stderr } = run('systemd-analyze', ['verify', unitFile], here);
    // The node of this machine may be elsewhere than that of a system package.
    const words = `${stdout}${stderr}`
      .split('\n')
      .filter((line) => !/\/usr\/bin\/node is/.test(line));
    expect(words.join('\n')).toBe('');
    if (existsSync('/usr/bin/node')) expect(code).toBe(0);
  });

  it.skipIf(!hasSystemd)('takes the example of a drop-in for secrets', () => {
    const folder = mkdtempSync(join(tmpdir(), 'geartrain-unit-'));
    try {
      const unit = join(folder, 'geartrain.service');
      copyFileSync(unitFile, unit);
      mkdirSync(`${unit}.d`);
      const example = join(root, 'src/packaging/geartrain-secrets.conf');
      const verify = (text: string): string => {
        writeFileSync(join(`${unit}.d`, 'secrets.conf'), text);
        const { stdout, stderr } = run('systemd-analyze', ['verify', unit], here);
        return `${stdout}${stderr}`;
      };
      expect(verify(readFileSync(example, 'utf8'))).not.toContain('secrets.conf');
      expect(verify('[Service]\nLoadCredentials=x\n')).toContain('secrets.conf');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.skipIf(!hasSystemd)('leaves the service little that it could do to others', () => {
    const { stdout } = run('systemd-analyze', ['security', '--offline=true', unitFile], here);
    const exposure = /Overall exposure level for .*: (\d+\.\d+)/.exec(stdout)?.[1];
    expect(Number(exposure)).toBeLessThan(EXPOSURE_MAX);
  });
});

describe('the image', () => {
  const lines = readFileSync(join(root, 'src/packaging/Dockerfile'), 'utf8').split('\n');
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));

  it('runs without root in a stage that has no compiler', () => {
    expect(lines.filter((line) => line.startsWith('FROM '))).toHaveLength(2);
    expect(last.filter((line) => line.startsWith('USER '))).toEqual(['USER node']);
    expect(last.filter((line) => line.startsWith('RUN '))).toEqual([]);
  });

  it('takes only what a build makes', () => {
    const copied = last
      .filter((line) => line.startsWith('COPY --from=build'))
      .flatMap((line) => line.split(' ').slice(2, -1))
      .map((path) => path.replace('/src/', ''));
    expect(copied).toContain('dist');
    const made = copied.filter((path) => !path.startsWith('build/'));
    for (const path of made) expect(existsSync(join(root, path)), path).toBe(true);
    for (const line of last.filter((text) => /"node", "/.test(text))) {
      const script = /"\/opt\/geartrain\/([^"]+)"/.exec(line)?.[1] as string;
      expect(existsSync(join(root, script)), script).toBe(true);
    }
  });
});

describe('the health check', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer('geartrain');
  });
  afterAll(() => server.stop());
  const check = (...args: string[]) => run(process.execPath, [healthCheck, ...args], here);

  it('is content with a server that answers', () => {
    expect(check(`127.0.0.1:${server.port}`)).toEqual({ code: 0, stdout: '', stderr: '' });
    const env = { ...process.env, GEARMAND_PORT: String(server.port) };
    expect(run(process.execPath, [healthCheck], { ...here, env }).code).toBe(0);
  });

  it('says what is wrong where none does', async () => {
    const port = await freePort();
    expect(check(`127.0.0.1:${port}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ECONNREFUSED'),
    });
    expect(check('nonsense')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('HOST:PORT'),
    });
  });
});

describe('the manual pages', () => {
  const pages = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).man as string[];

  it.skipIf(!requirePeer('groff')).each(pages)(
    '%s is what troff takes without a warning',
    (page) => {
      const { status, stderr } = spawnSync('groff', ['-man', '-ww', '-Tutf8', '-z', page], {
        cwd: root,
        encoding: 'utf8',
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );
});
