/**
 * The source speaks Gearman's terms and the field's. Words that once named parts of it stay away: as parts of identifiers
 * and of file names, and the coined ones in comments and documents too. Source: src/DECISIONS.md, glossary.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { filesIn as allFilesIn } from '../support/tree-files.ts';

const root = new URL('../../', import.meta.url).pathname;
const SELF = 'test/unit/vocabulary.test.ts';

/** Parts of identifiers: `farPeers` has `far` and `peers`. */
const PARTS = new Set(
  `far near lobby entrance admission door absence absences station lane lanes parked tally pace allowance rouse broad
   narrow fence unfenced condemn condemned unmove reroute nudge wiring intake outlet twin`.split(
    /\s+/,
  ),
);
/** Whole identifiers. */
const WHOLE = new Set(
  `Home HomeOptions HomeHooks Place takePlace Arrival giveArrival Question Answer ASK ANSWER Line DatabaseService Waiting
   JoinedRings FarLink TlsDoor SecureDoor HttpDoor moveAway fallback`.split(/\s+/),
);
/** Coined words, also in comments and documents. */
const COINED = /\b(lobby|FarLink|TlsDoor|Absences|ParkedJobs)\b/i;
/** Phrases that a reader has to read twice; not in comments, messages and documents. */
const PHRASES =
  /\b(whoever|somebody|dear(er|est)?|worth having|for who|(was|were|is|are) told of|a further one|as good as)\b|'s business\b/i;
/** The value of `server.kind`, of a metric's label and of the start line, which programs match. */
const TWIN = /\btwins?\b/i;

/** Parts of an identifier in lower case. */
function partsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

const filesIn = (...places: string[]): string[] =>
  allFilesIn(...places).filter((path) => path !== SELF);

const textOf = (path: string): string => readFileSync(root + path, 'utf8');

/** Names that a TypeScript or JavaScript file has, without those in strings and comments. */
function identifiersOf(path: string): Set<string> {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node))
      found.add(node.text.replace('#', ''));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, textOf(path), ts.ScriptTarget.Latest));
  return found;
}

/** The same of C++, by stripping comments and strings. */
function cppIdentifiersOf(path: string): Set<string> {
  const code = textOf(path).replace(/\/\/.*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\])*"/g, ' ');
  return new Set(code.match(/[A-Za-z_]\w*/g));
}

const isBad = (name: string): boolean =>
  WHOLE.has(name) || partsOf(name).some((part) => PARTS.has(part));

it('names nothing by a word of its own that the field has another one for', () => {
  const bad: string[] = [];
  for (const path of filesIn('src', 'test', 'bench', 'native')) {
    const isScript = /\.(ts|mjs|cjs)$/.test(path);
    if (!isScript && !/\.(cc|h)$/.test(path)) continue;
    for (const name of isScript ? identifiersOf(path) : cppIdentifiersOf(path))
      if (isBad(name)) bad.push(`${path}: ${name}`);
  }
  expect(bad).toEqual([]);
});

it('names no file so', () => {
  const names = filesIn('src', 'test', 'bench', 'native');
  const bad = names.filter((path) =>
    path.split(/[/.]/).some((name) => isBad(name) || /^(home|local)$/.test(name)),
  );
  expect(bad).toEqual([]);
});

it('uses no coined word in comments and documents', () => {
  const bad: string[] = [];
  const documents = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md'];
  for (const path of [
    ...filesIn('src', 'test', 'bench', 'native', 'docs', 'examples'),
    ...documents,
  ]) {
    if (!/\.(ts|mjs|cjs|cc|h|md)$/.test(path) || path === 'src/DECISIONS.md') continue;
    for (const [at, line] of textOf(path).split('\n').entries())
      if (COINED.test(line)) bad.push(`${path}:${at + 1}: ${line.trim()}`);
  }
  expect(bad).toEqual([]);
});

it('says in plain words what happens', () => {
  const bad: string[] = [];
  const documents = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md'];
  for (const path of [...filesIn('src', 'native', 'docs'), ...documents]) {
    if (!/\.(ts|mjs|cjs|cc|h|md)$/.test(path) || path === 'src/DECISIONS.md') continue;
    for (const [at, line] of textOf(path).split('\n').entries())
      if (PHRASES.test(line)) bad.push(`${path}:${at + 1}: ${line.trim()}`);
  }
  expect(bad).toEqual([]);
});

it.each([
  'the dear step',
  'is not worth having',
  'one that nobody was told of never was',
  'for who waits for a foreground job meanwhile',
  'a further one ends the oldest',
  "how much that is worth is the database's business",
  'Whoever asks',
])('knows %j as a phrase to avoid', (phrase) => {
  expect(phrase).toMatch(PHRASES);
});

it('says twin only where programs match it', () => {
  const bad: string[] = [];
  for (const path of filesIn('src', 'native')) {
    if (!/\.(ts|mjs|cc|h)$/.test(path)) continue;
    for (const [at, line] of textOf(path).split('\n').entries())
      if (TWIN.test(line) && !/'twin'|`twin: |native\|twin/.test(line))
        bad.push(`${path}:${at + 1}`);
  }
  expect(bad).toEqual([]);
});
