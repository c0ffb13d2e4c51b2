/**
 * Requests that anybody may send between others: echo, status, options, text commands. Each knows how its answer looks.
 */
import { registrationsOf } from '../server/inspect.ts';
import { ensure } from '../transcript.ts';
import { madeUpHandle } from './job-record.ts';
import type { Leave } from './link.ts';
import { type Command, commandOf, jobCommandOf } from './operator.ts';
import { SimPeer } from './peer.ts';

/** Above the 4,096 replies that may wait for one connection. */
const FLOOD = 5000;

export abstract class CuriousPeer extends SimPeer {
  /** Registrations by function as the server must see them; what was sent last counts. */
  protected readonly offered = new Map<string, number>();
  /** Changes whenever `offered` does. */
  protected offeredSerial = 0;

  /** Asks more than the server lets wait for one connection. */
  flood(): void {
    for (let i = 0; i < FLOOD; i++) this.#askStatus();
  }

  override leave(how: Leave): void {
    if (this.random.oneIn(4)) this.#askEcho();
    super.leave(how);
  }

  /** Some request that has nothing to do with what the peer does otherwise. */
  protected askSomething(): void {
    const { random } = this;
    const choice = random.weighted([
      [4, () => this.#askEcho()],
      [3, () => this.#askStatus()],
      [1, () => this.#askMuch()],
      [2, () => this.#askUnique()],
      [2, () => this.#askText()],
      [1, () => this.#askExceptions()],
      [1, () => this.tell('SET_CLIENT_ID', `peer ${random.below(10)}`)],
      [1, () => this.tell('ALL_YOURS')],
    ] as const);
    choice();
  }

  #askEcho(): void {
    const data = this.bytes(this.token());
    const serial = this.offeredSerial;
    const offered = new Map(this.offered);
    this.ask('ECHO_REQ', [data], (reply) => {
      if (reply.name !== 'ECHO_RES' || !reply.data.equals(data)) return false;
      if (serial === this.offeredSerial && this.link.isUp) this.#checkEchoBarrier(offered);
      return true;
    });
  }

  /** ECHO_RES promises that everything before has taken effect, at far owners as well. */
  #checkEchoBarrier(offered: ReadonlyMap<string, number>): void {
    const { link, world } = this;
    if (link.socket.isClosed || world.deathsSince(link.deathsBefore).length > 0) return;
    const seen = registrationsOf(this.world, this.link.socket);
    const [wanted, found] = [offered, seen].map((map) => String([...map].sort()));
    ensure(
      wanted === found,
      () => `${this.link.name} has its echo, offers ${wanted}, registered ${found}`,
    );
  }

  #askStatus(): void {
    const { random, ledger } = this;
    const known = ledger.handles.length > 0 && !random.oneIn(8);
    const handle = known ? random.pick(ledger.handles.slice(-20)) : madeUpHandle(9);
    this.ask('GET_STATUS', [handle], (reply) => {
      const [echoed, ...numbers] = reply.args.map(String);
      return reply.name === 'STATUS_RES' && echoed === handle && numbers.length === 4;
    });
  }

  /** More questions at once than a small ring takes. */
  #askMuch(): void {
    for (let i = this.random.between(5, 40); i > 0; i--) this.#askStatus();
  }

  #askUnique(): void {
    const unique = `u${this.random.below(4)}`;
    this.ask('GET_STATUS_UNIQUE', [unique], (reply) => {
      const [echoed, ...numbers] = reply.args.map(String);
      return reply.name === 'STATUS_RES_UNIQUE' && echoed === unique && numbers.length === 5;
    });
  }

  #askExceptions(): void {
    if (this.takesExceptions === false) this.takesExceptions = null;
    this.ask('OPTION_REQ', ['exceptions'], (reply) => {
      this.takesExceptions = true;
      return reply.name === 'OPTION_RES' && reply.payload.toString() === 'exceptions';
    });
  }

  #askText(): void {
    const { random, ledger } = this;
    const fn = random.pick([...this.world.plan.functionNames, 'extra']);
    const line = random.weighted<() => Command>([
      [2, () => ['version', /^OK 2\.0\.0\+sim\n$/]],
      [2, () => ['STATUS', null]],
      [1, () => ['prioritystatus', null]],
      [1, () => ['workers', null]],
      [1, () => ['show jobs', null]],
      [1, () => ['show unique jobs', null]],
      [1, () => ['frobnicate', /^ERR UNKNOWN_COMMAND /]],
      [1, () => [`create function ${fn}`, this.#created()]],
      [1, () => [`drop function ${fn}`, /^(OK|ERR .*)\r\n$/]],
      [1, () => this.#limit(fn)],
      [this.world.plan.hasOperators ? 1 : 0, () => commandOf(random, this.world)],
      [this.world.plan.hasOperators ? 1 : 0, () => jobCommandOf(random, this.world, ledger)],
      [ledger.handles.length > 0 ? 2 : 0, () => this.#cancel()],
    ])();
    const [text, reply] = line;
    this.text(text, reply);
  }

  /** Under a memory limit there may be none left for a name. */
  #created(): RegExp {
    return this.world.plan.memoryBytesMax > 0 ? /^(OK|ERR QUEUE_ERROR .*)\r\n$/ : /^OK\r\n$/;
  }

  #limit(fn: string): Command {
    const limit = this.random.pick([0, 0, 8]);
    if (limit > 0) this.ledger.limited.add(fn);
    return [`maxqueue ${fn} ${limit}`, /^OK\r\n$/];
  }

  #cancel(): Command {
    const handle = this.random.pick(this.ledger.handles.slice(-10));
    this.ledger.cancelAsked(handle);
    return [`cancel job ${handle}`, /^(OK|ERR UNKNOWN_JOB)\r\n$/];
  }
}
