/** Copies of the built package in which something is broken or missing, for programs that load them. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../', import.meta.url);

export class SpoiledPackage {
  readonly folder = mkdtempSync(join(tmpdir(), 'geartrain-spoiled-'));

  /** `files` by path in the package get this content; without `hasAddon` no native build is there. */
  constructor(files: Readonly<Record<string, string>>, hasAddon: boolean) {
    cpSync(new URL('dist/', root), join(this.folder, 'dist'), { recursive: true });
    cpSync(new URL('package.json', root), join(this.folder, 'package.json'));
    for (const name of hasAddon ? ['node_modules', 'build'] : ['node_modules'])
      symlinkSync(fileURLToPath(new URL(name, root)), join(this.folder, name));
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), content);
    }
  }

  /** What a program imports. */
  get index(): string {
    return new URL('dist/index.js', `file://${this.folder}/`).href;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
