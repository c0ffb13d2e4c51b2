/**
 * Part of the build: bundles the dashboard into dist/dashboard, each file under a name with a hash of its content, and
 * with its compressed forms beside it. Rule: index.html names every other file, relative to itself, and holds no script
 * and no style, as the Content-Security-Policy demands.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { build } from 'esbuild';

const source = fileURLToPath(new URL('.', import.meta.url));
const target = fileURLToPath(new URL('../../dist/dashboard/', import.meta.url));

const bundled = await build({
  entryPoints: { app: `${source}main.tsx`, style: `${source}style/style.css` },
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome111', 'firefox115', 'safari16.4'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  outdir: target,
  write: false,
});

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
const names = {};
const written = bundled.outputFiles.map(({ path, contents }) => {
  const [, stem, ending] = /([a-z]+)\.([a-z]+)$/.exec(path);
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 10);
  names[`${stem}.${ending}`] = `${stem}-${hash}.${ending}`;
  return write(names[`${stem}.${ending}`], contents);
});
const page = readFileSync(`${source}index.html`, 'utf8').replace(
  /(?<=\.\/)[a-z]+\.(js|css)(?=")/g,
  (name) => names[name],
);
written.push(write('index.html', Buffer.from(page)));
written.push(write('icon.svg', readFileSync(`${source}icon.svg`)));
await Promise.all(written);

/** Writes a file as it is, with gzip, and with brotli. */
async function write(name, contents) {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_SIZE_HINT]: contents.length,
  };
  const [small, smaller] = await Promise.all([
    promisify(gzip)(contents, { level: 9 }),
    promisify(brotliCompress)(contents, { params }),
  ]);
  writeFileSync(target + name, contents);
  writeFileSync(`${target}${name}.gz`, small);
  writeFileSync(`${target}${name}.br`, smaller);
}
