/** Who sends a request to the control port, and what he may do there. Rule: a right that is not given is refused. */
import { Right } from '../../protocol/packets.ts';
import { ALL_RIGHTS, Rights } from '../../session/access.ts';
import { ApiProblem } from './problems.ts';
import { RIGHTS, type RightName } from './schemas.ts';
import type { BrowserSession } from './sessions.ts';

export interface Caller {
  /** For people: `token NAME`, `certificate "CN"` or `anonymous`, without the address. */
  readonly name: string;
  readonly isAnonymous: boolean;
  readonly address: string;
  readonly port: number;
  /** Its right comes from a header that no page of another origin can send. */
  readonly isBearer: boolean;
  /** Where its rights come from, if it has one. */
  readonly session?: BrowserSession;
  readonly rights: Rights;
}

/** The caller with the address, as the audit log names it. */
export function callerText({ name, address }: Caller): string {
  return `${name} at ${address}`;
}

/** What an anonymous caller may do on a port without token and certificates. */
export const VIEW_ONLY = new Rights([
  { who: 'any', name: '*', rights: Right.view, functions: '*' },
]);

export { ALL_RIGHTS };

/** All that the bits lead to: `admin` implies everything and is never limited to functions, each other right implies `view`. */
function withImplied(bits: number): number {
  if ((bits & Right.admin) !== 0) return Right.admin | Right.operate | Right.inspect | Right.view;
  return (bits & (Right.operate | Right.inspect)) === 0 ? bits : bits | Right.view;
}

/** Whether the caller has a right for the function (Latin-1); without one, for at least one function. */
export function hasRight({ rights }: Caller, right: RightName, functionName?: string): boolean {
  const bits = functionName === undefined ? rights.any : rights.of(functionName);
  return (withImplied(bits | (rights.any & Right.admin)) & Right[right]) !== 0;
}

/** Whether the caller has a right for the server as a whole: by a rule for all functions. */
export function hasServerRight({ rights }: Caller, right: RightName): boolean {
  return (withImplied(rights.all | (rights.any & Right.admin)) & Right[right]) !== 0;
}

/** The rights for a function, or for at least one, as an answer shows them. */
export function rightsView(caller: Caller, functionName?: string): Record<RightName, boolean> {
  const entries = RIGHTS.map((right) => [right, hasRight(caller, right, functionName)]);
  return Object.fromEntries(entries) as Record<RightName, boolean>;
}

/** Whether the rights let a peer do anything at the control port. */
export function mayCall(rights: Rights): boolean {
  return withImplied(rights.any) >= Right.admin;
}

/** The refusal of a caller that lacks a right: one that is not known yet may show a token. */
export function lackOf({ name, isAnonymous }: Caller, right: RightName): ApiProblem {
  const text = `the right ${right} is needed`;
  return isAnonymous
    ? new ApiProblem('unauthenticated', text, { 'WWW-Authenticate': 'Bearer' })
    : new ApiProblem('notAllowed', `${text}, ${name} has it not`);
}
