/** Part of the build: writes the manual pages to `dist/man`, where package.json names them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { gearmandPage } from './gearmand-page.ts';
import { renderManPage } from './man-page.ts';

const folder = new URL('../man/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const page of [gearmandPage()])
  writeFileSync(new URL(`${page.name}.${page.section}`, folder), renderManPage(page));
