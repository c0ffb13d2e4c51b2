/** The output of `--version`: a blank line, then name, version and home page, as with gearmand. */
import { readFileSync } from 'node:fs';
import { protocolVersion, version } from '../server/identity.ts';

/** Home of the protocol, until the package has a home page. */
const PROTOCOL_HOME = 'http://gearman.org/';

/** The package's home page. */
export function homePage(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { homepage?: string }).homepage ?? PROTOCOL_HOME;
}

/** Two lines, the first blank. */
export function versionText(): string {
  return `\ngearmand ${protocolVersion()} - ${homePage()}\n`;
}

/** One line for a tool, in the style of other tools. */
export function toolVersion(name: string): string {
  return `${name} (geartrain) ${version()}\n`;
}
