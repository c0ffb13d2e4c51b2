/**
 * Lists the rights of strangers for the log at start. Strangers are peers on other machines without a token or
 * certificate. Rule: a loopback address and a Unix socket are not open to strangers.
 */
import { isThisMachine } from '../http/options.ts';
import { Right } from '../protocol/packets.ts';
import { type ResolvedOptions, showAddress } from '../server/options.ts';
import type { Server, ServerAddress } from '../server/types.ts';
import { Access, ALL_RIGHTS, parseRule } from '../session/access.ts';

/** One sentence of the log. */
export interface Exposure {
  readonly text: string;
  /** Whether strangers may submit, work or give admin commands. */
  readonly isOpen: boolean;
}

type Bound = Pick<Server, 'addresses' | 'httpAddresses' | 'controlAddress'>;
type NetAddress = Extract<ServerAddress, { host: string }>;

function beyondThisMachine(addresses: readonly ServerAddress[]): NetAddress[] {
  return addresses.filter((each) => 'host' in each).filter(({ host }) => !isThisMachine(host));
}

/** Bits of `Right` that a stranger has for at least one function. */
function rightsOfStrangers({ allow, adminFrom }: ResolvedOptions): number {
  const rules = allow.map(parseRule).filter((rule) => rule !== undefined);
  const stranger = { tokenName: null, commonName: null };
  const { any } = rules.length === 0 ? ALL_RIGHTS : new Access(rules).rightsOf(stranger);
  return adminFrom.includes('any') ? any : any & ~Right.admin;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** The actions that `rights` allow, and the options that restrict them. */
function openness(
  where: string,
  rights: number,
  remedies: readonly string[],
  how: string,
): Exposure {
  const actions = [
    ...((rights & Right.submit) !== 0 ? ['submit jobs'] : []),
    ...((rights & Right.work) !== 0 ? ['work'] : []),
    ...((rights & Right.admin) !== 0 ? ['give admin commands'] : []),
  ];
  const limit = `${listed(remedies)} limit${remedies.length === 1 ? 's' : ''} that`;
  return {
    isOpen: true,
    text: `anyone who reaches ${where} may ${listed(actions)}${how}; ${limit}`,
  };
}

/** The exposure of the addresses of `--listen`: either of those with TLS or of those without. */
function ofPeers(addresses: readonly NetAddress[], options: ResolvedOptions): Exposure[] {
  const [first] = addresses;
  if (first === undefined) return [];
  const isSecure = first.isSecure === true;
  const where = addresses.map(showAddress).join(', ');
  const isAsked = isSecure && options.tlsClientCa !== null && options.tlsClientAuth === 'required';
  const rights = isAsked ? 0 : rightsOfStrangers(options);
  if (rights !== 0) {
    const admin = (rights & Right.admin) !== 0 ? ['--admin-from'] : [];
    const remedies = ['--allow', ...admin, isSecure ? '--tls-client-ca' : '--ssl'];
    return [openness(where, rights, remedies, isSecure ? '' : ', without TLS')];
  }
  if (isSecure) return [];
  return [
    { isOpen: false, text: `tokens and jobs reach ${where} without TLS; --ssl encrypts them` },
  ];
}

function ofHttp({ httpAddresses }: Bound, options: ResolvedOptions): Exposure[] {
  const addresses = beyondThisMachine(httpAddresses);
  if (addresses.length === 0) return [];
  const where = addresses.map(showAddress).join(', ');
  const rights = rightsOfStrangers(options) & Right.submit;
  if (rights !== 0) return [openness(where, rights, ['--allow'], ' by HTTP, without TLS')];
  const text = `tokens and jobs reach ${where} by HTTP, without TLS; a proxy in front encrypts them`;
  return [{ isOpen: false, text }];
}

function ofControl({ controlAddress }: Bound): Exposure[] {
  if (controlAddress === null) return [];
  const [address] = beyondThisMachine([controlAddress]);
  if (address === undefined) return [];
  const how = address.isSecure === true ? '' : '; its token comes without TLS, tls:// encrypts it';
  const text = `anyone who reaches ${showAddress(address)} may read /healthz and /readyz${how}`;
  return [{ isOpen: false, text }];
}

/** All exposures, in the order of the start line. */
export function exposuresOf(server: Bound, options: ResolvedOptions): Exposure[] {
  const addresses = beyondThisMachine(server.addresses);
  return [
    ...ofPeers(
      addresses.filter(({ isSecure }) => isSecure !== true),
      options,
    ),
    ...ofPeers(
      addresses.filter(({ isSecure }) => isSecure === true),
      options,
    ),
    ...ofHttp(server, options),
    ...ofControl(server),
  ];
}
