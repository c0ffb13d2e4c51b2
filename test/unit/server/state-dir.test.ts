import { expect, it } from 'vitest';
import { defaultStateDir } from '../../../src/server/state-dir.ts';

const user = { id: 1000, home: () => '/home/ada', platform: 'linux' };

it.each([
  ['the first of systemd', { STATE_DIRECTORY: '/var/lib/a:/var/lib/b' }, user, '/var/lib/a'],
  ['the system of root', {}, { ...user, id: 0 }, '/var/lib/geartrain'],
  ['the user', {}, user, '/home/ada/.local/state/geartrain'],
  ['XDG', { XDG_STATE_HOME: '/s' }, user, '/s/geartrain'],
  ['macOS', {}, { ...user, platform: 'darwin' }, '/home/ada/Library/Application Support/geartrain'],
])('keeps state where %s has it', (_who, env, who, folder) => {
  expect(defaultStateDir(env, who)).toBe(folder);
});

it('asks for a folder where the user has no home, and only then', () => {
  const home = (): string => {
    throw new Error('uv_os_homedir returned ENOENT');
  };
  const homeless = { ...user, id: 54_321, home };
  expect(() => defaultStateDir({}, homeless)).toThrow(
    /^--queue-type journal needs --state-dir FOLDER: the user with uid 54321 has no home folder/,
  );
  expect(defaultStateDir({ XDG_STATE_HOME: '/s' }, homeless)).toBe('/s/geartrain');
  expect(defaultStateDir({}, { ...homeless, id: 0 })).toBe('/var/lib/geartrain');
});
