/** Option types of the tools only: addresses of job servers, times with a fraction, text that may be empty. */
import {
  port as anyPort,
  type ListenTarget,
  listenList,
  showListenTarget,
} from '../../option/address-types.ts';
import type { OptionType } from '../../option/types.ts';

/** Address of a job server; `port` null = that of the port option. */
export type ServerTarget = ListenTarget;

function readServers(word: string): ServerTarget[] | undefined {
  const targets = word.split(',').map((part) => listenList.readText(part.trim())?.[0]);
  return targets.every((target) => target !== undefined) ? targets : undefined;
}

/** One job server, or several separated by commas. */
export const serverList: OptionType<readonly ServerTarget[]> = {
  argument: 'host',
  allowed: 'HOST, HOST:PORT, [IPV6]:PORT or unix:/PATH, several separated by commas',
  readText: readServers,
  show: (targets) => targets.map(showListenTarget).join(','),
};

/** Exactly one job server. */
export const oneServer: OptionType<ServerTarget> = {
  argument: 'host',
  allowed: 'HOST, HOST:PORT, [IPV6]:PORT or unix:/PATH',
  readText: (word) => (word.includes(',') ? undefined : readServers(word)?.[0]),
  show: showListenTarget,
};

/** Port of a server to connect to. */
export const serverPort: OptionType<number> = {
  ...anyPort,
  allowed: '1 to 65535 or the name of a tcp service in /etc/services',
  readText: (word) => anyPort.readText(word) || undefined,
};

/** A number as the C tool `gearman` reads it: leading blanks are ignored. */
export function afterBlanks(type: OptionType<number>): OptionType<number> {
  return { ...type, readText: (word) => type.readText(word.trimStart()) };
}

/** Seconds with a fraction, as milliseconds. */
export function seconds(range: {
  readonly minMs: number;
  readonly maxMs: number;
}): OptionType<number> {
  const check = (ms: number): number | undefined =>
    ms >= range.minMs && ms <= range.maxMs ? ms : undefined;
  return {
    argument: 's',
    allowed: `${range.minMs / 1000} to ${range.maxMs / 1000} seconds`,
    readText: (word) =>
      /^\d{1,9}(\.\d{1,3})?$/.test(word) ? check(Math.round(Number(word) * 1000)) : undefined,
    show: (ms) => String(ms / 1000),
  };
}

/** A text, possibly empty, that `isAllowed` accepts; a row may make the option repeatable. */
export function word(
  argument: string,
  allowed: string,
  isAllowed: (text: string) => boolean,
): OptionType<string | null> {
  return {
    argument,
    allowed,
    readText: (text) => (isAllowed(text) ? text : undefined),
    show: (value) => value ?? 'none',
  };
}

/** A word of the text protocol: a line end would end it. */
export const lineWord = (argument: string) =>
  word(argument, 'text of one line', (text) => !/[\r\n]/.test(text));
