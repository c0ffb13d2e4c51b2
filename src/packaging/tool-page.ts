/** The manual pages gearmand(8), gearman(1) and gearadmin(1), derived from the tools' tables. */
import { flagsOf, type OptionRow, shownDefault } from '../option/row.ts';
import { closingSections, type Tool } from '../option/tool.ts';
import { version } from '../server/identity.ts';
import type { ManOption, ManPage, ManSection } from './man-page.ts';

const PAGES = ['gearman(1)', 'gearadmin(1)', 'gearmand(8)'];

function describe(row: OptionRow): ManOption {
  const { argument, allowed } = row.type;
  const value = shownDefault(row);
  const text = [
    row.help,
    ...(row.noEffect === undefined ? [] : [row.noEffect]),
    ...(argument === null ? [] : [`Allowed: ${allowed}`]),
    ...(value === null ? [] : [`Default: ${value}`]),
    ...(row.isOwn === true ? ['Not in the C tool'] : []),
  ];
  return { flags: flagsOf(row), argument, text };
}

function optionsByGroup(options: readonly OptionRow[]): Map<string, ManOption[]> {
  const groups = new Map<string, ManOption[]>();
  for (const row of options.filter((each) => each.isHidden !== true))
    groups.set(row.group, [...(groups.get(row.group) ?? []), describe(row)]);
  return groups;
}

function list(title: string, pairs: readonly (readonly [unknown, string])[]): ManSection {
  return { title, items: pairs.map(([term, text]) => ({ term: String(term), text })) };
}

/** The page of a tool, from its tables. */
export function toolPage({ manual, options }: Tool): ManPage {
  const { name, section, summary, usage, description, examples, moreExamples } = manual;
  const seeAlso = PAGES.filter((page) => !page.startsWith(`${name}(`)).join(', ');
  return {
    name,
    section,
    summary,
    synopsis: usage,
    examples: list('Examples', examples),
    description,
    options: optionsByGroup(options),
    sections: [
      ...closingSections(manual).map(({ title, items }) => list(title, items)),
      ...(moreExamples === undefined ? [] : [list('More examples', moreExamples)]),
      { title: 'See also', paragraphs: [seeAlso] },
    ],
    version: version(),
  };
}
