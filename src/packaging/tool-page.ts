/** The manual pages gearman(1) and gearadmin(1): everything in them follows from the tools' own tables. */
import { flagsOf, type OptionRow, shownDefault } from '../option/row.ts';
import type { Tool } from '../option/tool.ts';
import { version } from '../server/identity.ts';
import type { ManOption, ManPage } from './man-page.ts';

const SEE_ALSO = ['gearman(1)', 'gearadmin(1)', 'gearmand(8)'];

function describe(row: OptionRow): ManOption {
  const { argument, allowed } = row.type;
  const value = shownDefault(row);
  const text = [
    row.help,
    ...(argument === null ? [] : [`Allowed: ${allowed}`]),
    ...(value === null ? [] : [`Default: ${value}`]),
    ...(row.isOwn === true ? ['Not in the C tool'] : []),
  ];
  return { flags: flagsOf(row), argument, text };
}

/** The page of a tool, from its tables as they are. */
export function toolPage({ manual, options }: Tool): ManPage {
  const { name, summary, usage, description, environment, exitCodes, examples } = manual;
  const items = (pairs: readonly (readonly [unknown, string])[]) =>
    pairs.map(([term, text]) => ({ term: String(term), text }));
  const groups = [...new Set(options.map((row) => row.group))];
  return {
    name,
    section: 1,
    summary,
    synopsis: usage,
    description,
    options: new Map(
      groups.map((group) => [group, options.filter((row) => row.group === group).map(describe)]),
    ),
    sections: [
      { title: 'Environment', items: items(environment) },
      { title: 'Exit status', items: items(exitCodes) },
      { title: 'Examples', items: items(examples) },
      {
        title: 'See also',
        paragraphs: [SEE_ALSO.filter((page) => !page.startsWith(`${name}(`)).join(', ')],
      },
    ],
    version: version(),
  };
}
