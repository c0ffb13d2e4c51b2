/**
 * Manual pages in the language of man(7), made from a command's options table and a few paragraphs. Rule: all text is
 * plain; everything that troff would take for an instruction is escaped here.
 */

/** One option of a page. */
export interface ManOption {
  /** Such as `-p, --port`. */
  readonly flags: string;
  /** The argument after the flag, or null. */
  readonly argument: string | null;
  /** Sentences; the first describes the option. */
  readonly text: readonly string[];
}

/** A heading with paragraphs and an optional list. */
export interface ManSection {
  readonly title: string;
  readonly paragraphs?: readonly string[];
  readonly items?: readonly { readonly term: string; readonly text: string }[];
}

export interface ManPage {
  readonly name: string;
  readonly section: 1 | 8;
  readonly summary: string;
  readonly synopsis: readonly string[];
  /** Shown before the description, because most readers come for them. */
  readonly examples: ManSection;
  readonly description: readonly string[];
  /** By heading, in order. */
  readonly options: ReadonlyMap<string, readonly ManOption[]>;
  readonly sections: readonly ManSection[];
  readonly version: string;
}

/** Escapes text so that troff shows it unchanged. */
export function escapeRoff(text: string): string {
  const plain = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq');
  return plain.replace(/^([.'])/gm, '\\&$1');
}

function bold(text: string): string {
  return `\\fB${escapeRoff(text)}\\fR`;
}

function tagged(head: string, text: string): string[] {
  return ['.TP', head, escapeRoff(text)];
}

function optionLines({ flags, argument, text }: ManOption): string[] {
  const value = argument === null ? '' : ` \\fI${escapeRoff(argument)}\\fR`;
  return tagged(`${bold(flags)}${value}`, text.join('. '));
}

function sectionLines({ title, paragraphs = [], items = [] }: ManSection): string[] {
  return [
    `.SH ${escapeRoff(title).toUpperCase()}`,
    ...paragraphs.flatMap((paragraph) => ['.PP', escapeRoff(paragraph)]),
    ...items.flatMap(({ term, text }) => tagged(bold(term), text)),
  ];
}

/** The source of a manual page; ends with a line end. */
export function renderManPage(page: ManPage): string {
  const title = page.name.toUpperCase();
  const options = [...page.options].flatMap(([heading, list]) => [
    `.SS ${escapeRoff(heading)}`,
    ...list.flatMap(optionLines),
  ]);
  const lines = [
    `.TH ${title} ${page.section} "" "geartrain ${page.version}" "Gearman"`,
    '.SH NAME',
    `${escapeRoff(page.name)} \\- ${escapeRoff(page.summary)}`,
    '.SH SYNOPSIS',
    ...page.synopsis.flatMap((form) => ['.PP', `${bold(page.name)} ${escapeRoff(form)}`]),
    ...sectionLines(page.examples),
    '.SH DESCRIPTION',
    ...page.description.flatMap((paragraph) => ['.PP', escapeRoff(paragraph)]),
    '.SH OPTIONS',
    ...options,
    ...page.sections.flatMap(sectionLines),
  ];
  return `${lines.join('\n')}\n`;
}
