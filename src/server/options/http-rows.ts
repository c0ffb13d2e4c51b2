/** Rows of the options table for gearmand's HTTP protocol; timeout and statuses are our own. */
import { port } from './address-types.ts';
import { OptionGroup, type OptionRow } from './option-row.ts';
import { choice, integer, type OptionType } from './option-type.ts';

const SECONDS_MAX = 86_400;

const http = choice('http');

const protocolName: OptionType<'http' | null> = {
  ...http,
  accept: (value) => (value === null ? null : http.accept(value)),
  show: (value) => value ?? 'none',
};

const ofHttp = { group: OptionGroup.plugins, scope: 'server', effect: 'used' } as const;

/** Said of an option that only a server with HTTP uses. */
const withoutHttp = (name: string, protocol: unknown): string | null =>
  protocol === null ? `--${name} has no effect without --protocol http` : null;

export const httpRows = [
  {
    ...ofHttp,
    name: 'protocol',
    short: 'r',
    key: 'protocol',
    type: protocolName,
    fallback: null,
    help: 'further protocol: http, on the addresses of --listen',
  },
  {
    ...ofHttp,
    name: 'http-port',
    key: 'httpPort',
    type: port,
    fallback: 8080,
    note: (_value, values) => withoutHttp('http-port', values.protocol),
    help: 'port of the HTTP protocol',
  },
  {
    ...ofHttp,
    name: 'http-timeout',
    key: 'httpTimeout',
    type: integer({ min: 1, max: SECONDS_MAX, unit: 'seconds', special: { 0: 'no limit' } }),
    fallback: 0,
    note: (_value, values) => withoutHttp('http-timeout', values.protocol),
    help: 'an HTTP request without a result by then is answered with 504, and its job dropped unless it is in the background',
  },
  {
    ...ofHttp,
    name: 'http-status',
    key: 'httpStatus',
    type: choice('http', 'gearmand'),
    fallback: 'http',
    note: (_value, values) => withoutHttp('http-status', values.protocol),
    help: 'http = 500 for a failed job, 503 for a full queue; gearmand = 200 whatever becomes of the job',
  },
] as const satisfies readonly OptionRow[];
