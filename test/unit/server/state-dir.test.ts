import { expect, it } from 'vitest';
import { defaultStateDir } from '../../../src/server/state-dir.ts';

const user = { id: 1000, home: '/home/ada', platform: 'linux' };

it.each([
  ['the first of systemd', { STATE_DIRECTORY: '/var/lib/a:/var/lib/b' }, user, '/var/lib/a'],
  ['the system of root', {}, { ...user, id: 0 }, '/var/lib/geartrain'],
  ['the user', {}, user, '/home/ada/.local/state/geartrain'],
  ['XDG', { XDG_STATE_HOME: '/s' }, user, '/s/geartrain'],
  ['macOS', {}, { ...user, platform: 'darwin' }, '/home/ada/Library/Application Support/geartrain'],
])('keeps state where %s has it', (_who, env, who, folder) => {
  expect(defaultStateDir(env, who)).toBe(folder);
});
