/** Rows of the options table for the control port and what is measured for it. All are our own. */
import { isIPv6 } from 'node:net';
import { isLoopback } from '../../shard/admin-from.ts';
import { OptionGroup, type OptionRow } from './option-row.ts';
import { integer, type OptionType, text } from './option-type.ts';

/** Where the control port is bound. */
export interface ControlAddress {
  readonly host: string;
  readonly port: number;
}

function parse(word: string): ControlAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(word);
  if (match === null || Number(match[3]) > 65_535) return undefined;
  const [, bracketed, plain, port] = match;
  if (bracketed !== undefined && !isIPv6(bracketed)) return undefined;
  return { host: (bracketed ?? plain) as string, port: Number(port) };
}

function accept(value: unknown): ControlAddress | null | undefined {
  if (value === null) return null;
  if (typeof value === 'string') return parse(value);
  const { host, port } = Object(value) as Partial<ControlAddress>;
  if (typeof host !== 'string' || typeof port !== 'number') return undefined;
  return parse(isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`);
}

const controlAddress: OptionType<ControlAddress | null> = {
  argument: 'host:port',
  allowed: 'HOST:PORT or [IPV6]:PORT, port 0 = any free port',
  readText: parse,
  accept,
  show: (value) => {
    if (value === null) return 'off';
    return isIPv6(value.host) ? `[${value.host}]:${value.port}` : `${value.host}:${value.port}`;
  },
};

/** Whether only this machine can reach an address; a name counts when it is `localhost`. */
function isNear(host: string): boolean {
  return host === 'localhost' || (host !== '' && isLoopback(host));
}

/** More rows make a page that is slow to write and dear to keep. */
const MEASURED_MAX = 100_000;

export const controlRows = [
  {
    name: 'control',
    key: 'control',
    type: controlAddress,
    fallback: null,
    group: OptionGroup.control,
    scope: 'server',
    effect: 'used',
    conflict: (value, values) =>
      value === null || isNear(value.host) || values.controlTokenFile !== null
        ? null
        : `${value.host} can be reached from other machines, so it needs --control-token-file`,
    help: 'HTTP port for /healthz, /readyz, /metrics and /log-level',
  },
  {
    name: 'control-token-file',
    key: 'controlTokenFile',
    type: text({ argument: 'file' }),
    fallback: null,
    group: OptionGroup.control,
    scope: 'server',
    effect: 'used',
    help: 'file with the token that /metrics and /log-level ask for (at least 16 characters); needed unless the control port is on loopback',
  },
  {
    name: 'metrics-functions',
    key: 'metricsFunctions',
    type: integer({ min: 0, max: MEASURED_MAX, special: { 0: 'all of them together' } }),
    fallback: 200,
    group: OptionGroup.control,
    scope: 'server',
    effect: 'used',
    help: 'functions with metrics of their own; those made later are summed as "(other)"',
  },
] as const satisfies readonly [
  OptionRow<ControlAddress | null>,
  OptionRow<string | null>,
  OptionRow<number>,
];
