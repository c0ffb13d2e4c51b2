/**
 * Licences of the packages that a user gets with ours. Read from what npm has installed, so the list is that of one
 * installation; nothing in it may ask more of a user than to keep a notice.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** SPDX names that are fine in the shipped tree. */
export const allowedLicences: ReadonlySet<string> = new Set([
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Apache-2.0',
]);

export interface PackageLicence {
  readonly name: string;
  readonly version: string;
  /** The licence named by the package; `none` when it names none. */
  readonly licence: string;
}

/** Every package below a `node_modules`, by name. */
export function licencesOf(modules: string): PackageLicence[] {
  const found = new Map<string, PackageLicence>();
  for (const entry of readdirSync(modules, { recursive: true, encoding: 'utf8' })) {
    if (!/(^|node_modules\/)(@[^/]+\/)?[^/@]+\/package\.json$/.test(entry)) continue;
    const description = JSON.parse(readFileSync(join(modules, entry), 'utf8'));
    const { name, version, license } = description as Record<string, string | undefined>;
    if (name === undefined || version === undefined) continue;
    found.set(`${name}@${version}`, { name, version, licence: license ?? 'none' });
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
