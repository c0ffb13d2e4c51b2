/**
 * Plays the shell blocks of one document, in their order, in one shell and one new folder, as a reader would. What a block
 * says is not altered but for ports, and for the name of the package where it is installed: that is this checkout.
 *
 *   ```sh            every command must succeed; `// NAME.js` at the top of a js block makes a file of it beforehand
 *   ```sh server     each command serves until it is ended: it must answer, and end with 0 on SIGTERM
 *   ```sh needs=X    not run: not-run.ts says why
 *
 * Rule: every process that a document starts is ended, by its id.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.mjs';
import { type CodeBlock, codeBlocksOf, root } from '../../support/markdown.ts';

const SHELL_MS = 120_000;
const PORTS = ['4730', '4731', '8080', '9090'];

export interface Played {
  readonly code: number | null;
  readonly output: string;
}

export const isShell = ({ info }: CodeBlock): boolean => /^sh( |$)/.test(info);
export const isRun = (block: CodeBlock): boolean =>
  isShell(block) && !block.info.includes('needs=');

/** The commands of this checkout under their names, and the port for those that are given none. */
const PRELUDE = `
set -euo pipefail
for tool in gearmand gearman gearadmin; do
  eval "$tool() { command $tool --port $PORT \\"\\$@\\"; }"
  export -f "$tool"
done
serve() {
  "$@" &
  local job=$!
  until gearadmin --getpid >/dev/null 2>&1; do kill -0 "$job"; sleep 0.05; done
  kill "$(gearadmin --getpid | tr -dc 0-9)"
  wait "$job"
}
`;

/** Shell text of a block of servers: each command by \`serve\`. */
function served(body: string): string {
  const commands = body.replaceAll('\\\n', ' ').split('\n');
  return commands
    .map((command) => (/^\s*(#|$)/.test(command) ? '' : `serve ${command}`))
    .join('\n');
}

/** Runs all blocks of `text` that can be run. */
export async function play(text: string): Promise<Played> {
  const folder = mkdtempSync(join(tmpdir(), 'geartrain-documents-'));
  const ports = new Map<string, string>();
  for (const port of PORTS) ports.set(port, String(await freePort()));
  const withPorts = (words: string): string =>
    words.replace(/\b(4730|4731|8080|9090)\b/g, (port) => ports.get(port) as string);
  try {
    const blocks = codeBlocksOf(text);
    writeFiles(folder, blocks, withPorts);
    const script = blocks.filter(isRun).map(({ info, body }) => {
      const words = withPorts(body).replace(/(npm install(?: -\S+)*) geartrain\b/g, `$1 ${root}`);
      return info.includes('server') ? served(words) : words;
    });
    return await shell(folder, script.join('\n'), ports.get('4730') as string);
  } finally {
    endDaemons(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeFiles(
  folder: string,
  blocks: readonly CodeBlock[],
  withPorts: (w: string) => string,
) {
  for (const { info, body } of blocks) {
    const name = info === 'js' ? /^\/\/ ([\w-]+\.js)\n/.exec(body)?.[1] : undefined;
    if (name !== undefined) writeFileSync(join(folder, name), withPorts(body));
  }
}

async function shell(folder: string, script: string, port: string): Promise<Played> {
  const commands = join(folder, 'commands');
  mkdirSync(commands);
  for (const tool of ['gearmand', 'gearman', 'gearadmin'])
    writeFileSync(
      join(commands, tool),
      `#!/bin/sh\nexec "${process.execPath}" "${root}dist/cli/${tool}.js" "$@"\n`,
      { mode: 0o755 },
    );
  const { GEARMAN_SERVER: _, GEARMAND_PORT: __, ...others } = process.env;
  const env = {
    ...others,
    PORT: port,
    HOME: folder,
    STATE_DIRECTORY: join(folder, 'state'),
    npm_config_cache: process.env.npm_config_cache ?? join(process.env.HOME ?? '', '.npm'),
    npm_config_ignore_scripts: 'true',
    npm_config_offline: 'true',
    PATH: `${commands}:${process.env.PATH}`,
  };
  const work = join(folder, 'work');
  mkdirSync(work);
  for (const name of readdirSync(folder))
    if (name.endsWith('.js')) writeFileSync(join(work, name), readFileSync(join(folder, name)));
  const child = spawn('bash', ['-c', PRELUDE + script], {
    cwd: work,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const timer = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), SHELL_MS);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  try {
    process.kill(-(child.pid as number), 'SIGKILL');
  } catch {
    // The group has ended.
  }
  return { code, output };
}

/** Ends what `--daemon` started: it has left the group, but its pid file tells. */
function endDaemons(folder: string): void {
  const work = join(folder, 'work');
  for (const name of readdirSync(work).filter((each) => each.endsWith('.pid')))
    try {
      process.kill(Number(readFileSync(join(work, name), 'utf8')), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
}
