/** The manual page gearmand(8): everything about options follows from the options table. */
import { OPTIONS } from '../cli/gearmand-options.ts';
import { OptionGroup } from '../option/groups.ts';
import { flagsOf, type OptionRow } from '../option/row.ts';
import { version } from '../server/identity.ts';
import type { ManOption, ManPage } from './man-page.ts';

function describe(row: OptionRow): ManOption {
  const { argument, allowed, show } = row.type;
  const value = row.defaultText ?? (row.defaultValue === null ? 'none' : show(row.defaultValue));
  const text = [
    row.help,
    ...(row.noEffect === undefined ? [] : [row.noEffect]),
    ...(argument === null ? [] : [`Allowed: ${allowed}`]),
    `Default: ${value}`,
  ];
  return { flags: flagsOf(row), argument, text };
}

function optionsByGroup(): Map<string, ManOption[]> {
  const shown = (group: string): ManOption[] =>
    OPTIONS.filter((row) => row.group === group && row.isHidden !== true).map(describe);
  return new Map(Object.values(OptionGroup).map((group) => [group, shown(group)]));
}

const signals = [
  {
    term: 'TERM, INT',
    text: 'End at once: what is owed to peers is written for at most 2 s. A second one exits without waiting.',
  },
  { term: 'USR1', text: 'Stop listening and end after the last job.' },
  { term: 'USR2', text: 'Log everything (DEBUG); the next one goes back to --verbose.' },
  { term: 'HUP', text: 'Open the log file anew.' },
];

/** The page, from the table as it is. */
export function gearmandPage(): ManPage {
  return {
    name: 'gearmand',
    section: 8,
    summary: 'a Gearman job server',
    synopsis: ['[options]'],
    description: [
      'Queues the jobs that Gearman clients submit, hands each to a worker that offers its function, and routes results back.',
      'Options come from the command line, the environment and the config file, in this order of strength.',
    ],
    options: optionsByGroup(),
    sections: [
      {
        title: 'Environment',
        paragraphs: [
          'Every option but --daemon, --help, --version and --check-config has a variable: --max-memory is GEARTRAIN_MAX_MEMORY. A flag is 1, true, on or 0, false, off; a list is separated by commas.',
        ],
        items: [
          { term: 'GEARMAND_PORT', text: 'The port, when no other than 4730 is given.' },
          { term: 'GEARTRAIN_NATIVE', text: '0 leaves the native core out.' },
        ],
      },
      { title: 'Signals', items: signals },
      {
        title: 'Exit status',
        paragraphs: ['0 after an orderly end, 1 for every error.'],
      },
      {
        title: 'Files',
        items: [
          {
            term: '/etc/gearmand.conf',
            text: 'Words of a command line between blanks or line ends; words that are no options have no effect.',
          },
        ],
      },
      { title: 'See also', paragraphs: ['gearman(1), gearadmin(1)'] },
    ],
    version: version(),
  };
}
