/** Part of the build: writes the manual pages to `dist/man`, the folder that package.json names. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { GEARADMIN } from '../cli/gearadmin/options.ts';
import { GEARMAN } from '../cli/gearman/options.ts';
import { GEARMAND } from '../cli/gearmand-manual.ts';
import { renderManPage } from './man-page.ts';
import { toolPage } from './tool-page.ts';

const folder = new URL('../man/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const page of [GEARMAND, GEARMAN, GEARADMIN].map(toolPage))
  writeFileSync(new URL(`${page.name}.${page.section}`, folder), renderManPage(page));
