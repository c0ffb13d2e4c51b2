/** The texts of `gearmand --help` and of the manual page gearmand(8), and the options in both. */
import type { Tool } from '../option/tool.ts';
import { CONFIG_FILE, OPTIONS } from './gearmand-options.ts';

/** The command line of `gearmand`. */
export const GEARMAND: Tool = {
  manual: {
    name: 'gearmand',
    section: 8,
    summary: 'a Gearman job server',
    usage: ['[options]', '--help [WORD...]'],
    examples: [
      ['gearmand --listen 127.0.0.1', 'serve only this machine, on port 4730'],
      ['gearmand -q journal', 'keep background jobs on disk, through restarts and losses of power'],
      [
        'gearmand --admin-from loopback --control 127.0.0.1:9090',
        'serve the network, take admin commands only from this machine, and show health and metrics on port 9090',
      ],
    ],
    description: [
      'Queues the jobs that Gearman clients submit, hands each to a worker that offers its function, and routes results back.',
      'Options come from the command line, the environment and the config file; the command line wins over the environment, that over the config file. --help WORD shows the options with that word in name or text.',
    ],
    environment: [
      [
        'GEARTRAIN_...',
        'every option but --daemon, --help, --version, --check-config, --export and --import: --max-memory is GEARTRAIN_MAX_MEMORY; a flag is 1, true, on or 0, false, off; a list is separated by commas',
      ],
      ['GEARMAND_PORT', 'the port, when no other than 4730 is given'],
      ['GEARTRAIN_NATIVE', '0 = without the native core'],
    ],
    further: [
      {
        title: 'Signals',
        items: [
          [
            'TERM, INT',
            'end at once: pending replies are sent for at most 2 s; a second signal exits without waiting',
          ],
          ['USR1', 'stop listening and end after the last job'],
          ['USR2', 'log everything (DEBUG); the next one restores the level of --verbose'],
          ['HUP', 'open the log file again; read certificates, keys and tokens again'],
        ],
      },
      {
        title: 'Files',
        items: [
          [
            CONFIG_FILE,
            'options as on the command line, between blanks or line ends; # begins a comment',
          ],
        ],
      },
    ],
    exitCodes: [
      [0, 'an orderly end'],
      [1, 'an error, which is reported on standard error'],
    ],
  },
  options: OPTIONS,
  takesAbbreviations: false,
  onRepeat: 'refuse',
};
