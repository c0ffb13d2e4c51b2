/** What is said, and what is used, where the addon is missing or does not load. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../support/embedding/programs.ts';
import { SpoiledPackage } from '../../support/embedding/spoiled.ts';

const BROKEN = { 'build/Release/geartrain.node': 'this is no library' };

describe.each([
  ['is missing', {}, 'addon is not built'],
  ['does not load', BROKEN, 'addon cannot be loaded: '],
])('the addon %s', (_name, files, reason) => {
  let copy: SpoiledPackage;
  beforeAll(() => {
    copy = new SpoiledPackage(files, false);
  });
  afterAll(() => copy.remove());

  function run(source: string) {
    const head = `const spoiled = await import(${JSON.stringify(copy.index)});`;
    return runProgram({ threads: 0, native: 'auto' }, head + source, 20_000, {
      GEARTRAIN_NATIVE: '',
    });
  }

  it('and `native: on` makes createServer throw, with the cause', async () => {
    const ended = await run(`
      try {
        spoiled.createServer({ native: 'on' });
      } catch (error) {
        const { name, code, message, cause } = error;
        const isOurs = error instanceof spoiled.NoAddonError;
        console.log(JSON.stringify({ name, code, message, isOurs, cause: cause instanceof Error }));
      }`);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const { message, ...rest } = JSON.parse(ended.stdout) as { readonly message: string };
    expect(rest).toEqual({
      name: 'NoAddonError',
      code: 'ERR_GEARTRAIN_NO_ADDON',
      isOurs: true,
      cause: true,
    });
    expect(message).toContain(`native on: ${reason}`);
  });

  it('and the TypeScript core is used by default, which says why', async () => {
    const ended = await run(`
      const server = spoiled.createServer({ host: '127.0.0.1', port: 0 });
      await server.listen();
      console.log(server.kind, server.kindReason);
      await server.close();`);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toContain(`twin ${reason}`);
  });

  it('and gearmand --native on ends with exit code 1 and says why', () => {
    const words = [join(copy.folder, 'dist/cli/gearmand.js'), '--native', 'on', '-p', '0'];
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain(`native on: ${reason}`);
    expect(stderr).not.toContain('    at ');
  });
});
