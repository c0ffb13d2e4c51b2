/**
 * Documents lead where they say: every relative link and anchor, in the repository and in the packed folder; every citation
 * of a document in a source head. Links to other hosts are not followed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorsOf, headingsOf, linksOf, root, textOf } from '../support/markdown.ts';
import { filesIn } from '../support/tree-files.ts';

const LINES_MAX = 150;

const ownDocuments = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'];
const documents = [
  ...ownDocuments,
  'bench/RESULTS.md',
  'src/DECISIONS.md',
  ...filesIn('docs', 'examples'),
].filter((path) => path.endsWith('.md'));

/** Links of `text`, a document at `path`, that lead nowhere; `has` knows files and folders by their path. */
function deadLinks(path: string, text: string, has: (path: string) => boolean): string[] {
  const dead: string[] = [];
  for (const { target, line } of linksOf(text)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file = '', anchor] = target.split('#');
    const to = file === '' ? path : join(dirname(path), file).replace(/\/$/, '');
    const isThere = to === path || has(to);
    const isAnchored = anchor === undefined || (isThere && hasAnchor(to, path, text, anchor));
    if (!isThere || !isAnchored) dead.push(`${path}:${line}: ${target}`);
  }
  return dead;
}

function hasAnchor(to: string, path: string, text: string, anchor: string): boolean {
  if (!to.endsWith('.md')) return false;
  return anchorsOf(to === path ? text : textOf(to)).has(anchor);
}

describe('links', () => {
  it.each(documents)('of %s lead to files and headings', (path) => {
    expect(deadLinks(path, textOf(path), (to) => existsSync(join(root, to)))).toEqual([]);
  });

  it('are found when they lead nowhere', () => {
    const text = '# Here\n\n[a](no.md) [b](README.md#no) [c](#here) [d](#there) `[e](no.md)`\n';
    expect(deadLinks('README.md', text, (to) => to === 'README.md')).toEqual([
      'README.md:3: no.md',
      'README.md:3: README.md#no',
      'README.md:3: #there',
    ]);
  });

  it('lead somewhere in the packed folder too', { timeout: 60_000 }, () => {
    const words = ['pack', '--dry-run', '--ignore-scripts', '--json'];
    const [packed] = JSON.parse(execFileSync('npm', words, { cwd: root, encoding: 'utf8' }));
    const files: string[] = packed.files.map((file: { path: string }) => file.path);
    const has = (to: string) => files.some((file) => file === to || file.startsWith(`${to}/`));
    const inside = documents.filter((path) => files.includes(path));
    expect(inside).toEqual(documents);
    expect(inside.flatMap((path) => deadLinks(path, textOf(path), has))).toEqual([]);
  });
});

it('name files and folders that exist', () => {
  const missing = documents.flatMap((path) =>
    [...textOf(path).matchAll(/`((?:src|test|native|bench|docs|examples)\/[\w./-]*)`/g)]
      .map(([, named]) => named as string)
      .filter((named) => named !== 'bench/results/' && !existsSync(join(root, named)))
      .map((named) => `${path}: ${named}`),
  );
  // The log of changes and the decisions say what was.
  expect(missing.filter((words) => !/^(CHANGELOG|src\/DECISIONS)\.md/.test(words))).toEqual([]);
});

describe('citations in sources', () => {
  /** A document, and sections or a number of it. */
  const CITATION =
    /\b((?:docs|src|bench)\/[\w/-]+\.md)(?:, (?:sections? (\d+(?:(?:, | and | to )\d+)*)|no\. (\d+)))?/g;
  const STALE = /\b(design rules|hard rules|protocol notes|rules\.md)\b/;

  /** Citations of `text` that lead nowhere. */
  function deadCitations(text: string): string[] {
    const dead: string[] = text.split('\n').filter((line) => STALE.test(line));
    for (const [all, path, sections, number] of text.matchAll(CITATION)) {
      const isThere = existsSync(join(root, path as string));
      const headings = isThere ? headingsOf(textOf(path as string)) : [];
      const numbers = [...(sections ?? number ?? '').matchAll(/\d+/g)].map(([digits]) => digits);
      const isNumbered = numbers.every((digits) =>
        headings.some((heading) => heading.startsWith(`${digits}. `)),
      );
      if (!isThere || !isNumbered) dead.push(all as string);
    }
    return dead;
  }

  it('name documents and sections that exist', () => {
    const sources = filesIn('src', 'native', 'test', 'bench', 'examples').filter(
      (path) => /\.([cm]?[jt]s|cc|h)$/.test(path) && path !== 'test/unit/documents.test.ts',
    );
    const dead = sources
      .filter((path) => statSync(join(root, path)).isFile())
      .flatMap((path) => deadCitations(textOf(path)).map((words) => `${path}: ${words}`));
    expect(dead).toEqual([]);
  });

  it('are found when they do not', () => {
    const text =
      'docs/no.md docs/design.md, section 1 docs/design.md, sections 2 and 99\ndesign rules';
    expect(deadCitations(text)).toEqual([
      'design rules',
      'docs/no.md',
      'docs/design.md, sections 2 and 99',
    ]);
  });
});

it('keeps the README short', () => {
  expect(textOf('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(LINES_MAX);
});
