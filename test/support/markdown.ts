/**
 * Reads links, anchors and code blocks from Markdown, for the tests of the documents. Rule: only the forms that our
 * documents use.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The text of a document, by its path in the repository. */
export const textOf = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

export interface CodeBlock {
  /** Words after the opening marks: `sh`, or `sh needs=systemd`. */
  readonly info: string;
  readonly body: string;
  /** The line of the opening marks, from 1. */
  readonly line: number;
}

/** Fenced blocks in their order. */
export function codeBlocksOf(text: string): CodeBlock[] {
  const lines = text.split('\n');
  const blocks: CodeBlock[] = [];
  for (let at = 0; at < lines.length; at++) {
    const open = /^```(.*)$/.exec(lines[at] as string);
    if (open === null) continue;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: a block without an end`);
    blocks.push({
      info: (open[1] as string).trim(),
      body: lines.slice(at + 1, end).join('\n'),
      line: at + 1,
    });
    at = end;
  }
  return blocks;
}

/** Lines outside of fenced blocks; a line of a block is empty, so line numbers stay. */
function proseLines(text: string): string[] {
  let isCode = false;
  return text.split('\n').map((line) => {
    const isMark = line.startsWith('```');
    if (isMark) isCode = !isCode;
    return isCode || isMark ? '' : line;
  });
}

/** Targets of links and images, with their line numbers. */
export function linksOf(text: string): { target: string; line: number }[] {
  return proseLines(text).flatMap((line, at) =>
    [...line.replace(/`[^`]*`/g, '``').matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({
      target: match[1] as string,
      line: at + 1,
    })),
  );
}

/** Headings without their marks. */
export function headingsOf(text: string): string[] {
  return proseLines(text).flatMap((line) => /^#{1,6} (.*)$/.exec(line)?.[1] ?? []);
}

/** Anchors of a document, as GitHub makes them of headings: lower case, marks away, blanks to hyphens, repeats numbered. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const heading of headingsOf(text)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = plain.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-');
    let name = anchor;
    for (let count = 1; anchors.has(name); count++) name = `${anchor}-${count}`;
    anchors.add(name);
  }
  return anchors;
}
