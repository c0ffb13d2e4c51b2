/**
 * A worker with a temper: offers functions, grabs, sleeps, runs several jobs at a time, and, if that is its temper,
 * does what real workers do wrong: ignores NOOP, sleeps again, dies with jobs, reports late or on jobs of others.
 */
import { type PacketName, rawPacket, typeOf, type WirePacket } from '../../support/packet-text.ts';
import { ensure } from '../transcript.ts';
import { Client } from './client.ts';
import { isFinal, madeUpHandle } from './job-record.ts';
import type { PeerContext } from './peer.ts';
import type { Temper } from './temper.ts';

const GRABS = ['GRAB_JOB', 'GRAB_JOB_UNIQ', 'GRAB_JOB_ALL'] as const;
/** Milliseconds for CAN_DO_TIMEOUT; below 1000 counts as 1000, far too many as never. */
const TIMEOUTS = ['1000', '1500', '1', '0', 'soon', '99999999999999'];

export class Worker extends Client {
  temper: Temper;
  readonly #functionNames: readonly string[];
  readonly #grabs = this.random.pick(GRABS);
  /** Functions of the jobs that it runs, by handle. */
  readonly #held = new Map<string, string>();
  /** Jobs that it was handed: stray packets about them need not be errors. */
  readonly #taboo = new Set<string>();
  #grabsUnderWay = 0;
  #isAsleep = false;
  #isNooped = false;
  #wantsSleep = false;
  #sleeps = 0;
  #noops = 0;

  constructor(
    name: string,
    context: PeerContext,
    functionNames: readonly string[],
    temper: Temper,
  ) {
    super(name, context, temper.submitsMax);
    this.temper = temper;
    this.#functionNames = functionNames;
  }

  get isBusy(): boolean {
    return this.#held.size > 0 || this.#grabsUnderWay > 0;
  }

  /** It has said PRE_SLEEP and not grabbed since. */
  get isAsleep(): boolean {
    return this.#isAsleep;
  }

  get isNooped(): boolean {
    return this.#isNooped;
  }

  /** Functions that it offers; all of them, once it has begun. */
  get functionNames(): readonly string[] {
    return this.offered.size === 0 ? [] : this.#functionNames;
  }

  /** Grabs at once. */
  grabNow(): void {
    this.#grab();
  }

  override act(): void {
    const { random, temper } = this;
    if (this.offered.size === 0 && !random.oneIn(8)) {
      for (const fn of this.#functionNames) this.#offer(fn);
      return;
    }
    if (temper.isMortal && random.oneIn(25)) {
      this.leave(random.pick(['reset', 'reset', 'end', 'garbage']));
      return;
    }
    if (temper.isFickle && random.oneIn(8)) this.#changeMind();
    else if (temper.isRogue && random.oneIn(5) && this.#mayStray) this.#stray();
    else if (random.oneIn(10)) this.askSomething();
    else if (temper.submitsMax > 0 && random.oneIn(5)) this.submit();
    else if (this.#held.size > 0 && (this.#held.size >= temper.heldMax || !random.oneIn(3)))
      this.#work();
    else this.#seekWork();
  }

  protected override onUnasked(packet: WirePacket): void {
    if (packet.name !== 'NOOP') {
      super.onUnasked(packet);
      return;
    }
    this.#noops++;
    ensure(this.#noops <= this.#sleeps, () => `${this.link.name} is woken twice for one sleep`);
    this.#isNooped = true;
  }

  #offer(fn: string): void {
    const { random, temper } = this;
    const timeout = random.pick(TIMEOUTS);
    this.name(fn);
    this.offered.set(fn, (this.offered.get(fn) ?? 0) + 1);
    this.offeredSerial++;
    if (!temper.isMortal || !random.oneIn(2)) {
      this.tell('CAN_DO', fn);
      return;
    }
    const ms = Number(timeout);
    if (ms > 0 && ms < 1e6) this.ledger.excuse(this.link, fn);
    this.tell('CAN_DO_TIMEOUT', fn, timeout);
  }

  #changeMind(): void {
    const { random } = this;
    this.offeredSerial++;
    if (random.oneIn(6)) {
      for (const fn of this.offered.keys()) this.ledger.excuse(this.link, fn);
      this.offered.clear();
      this.tell('RESET_ABILITIES');
    } else if (random.oneIn(2)) this.#offer(random.pick(this.world.plan.functionNames));
    else {
      const fn = random.pick(this.world.plan.functionNames);
      this.ledger.excuse(this.link, fn);
      this.offered.delete(fn);
      this.tell('CANT_DO', fn);
    }
  }

  #seekWork(): void {
    const { random, temper } = this;
    if (this.#grabsUnderWay > 0 && !temper.isHasty) return;
    if (this.#isNooped) {
      if (temper.isStubborn && !random.oneIn(40)) return;
      if (temper.sleepsAgain && random.oneIn(2)) this.#sleep();
      else this.#grab();
    } else if (this.#isAsleep) {
      if (temper.isRestless && random.oneIn(12))
        random.pick([() => this.#grab(), () => this.#sleep()])();
    } else if (this.#wantsSleep && !temper.polls) this.#sleep();
    else if (this.#sleeps === 0 && random.oneIn(4)) this.#sleep();
    else this.#grab();
    if (temper.isHasty && random.oneIn(2)) this.#sleep();
  }

  #sleep(): void {
    this.#sleeps++;
    this.#isAsleep = true;
    this.#isNooped = false;
    this.#wantsSleep = false;
    this.tell('PRE_SLEEP');
  }

  #grab(): void {
    if (!this.link.isUp) return;
    this.#isAsleep = false;
    this.#isNooped = false;
    this.#wantsSleep = false;
    this.#grabsUnderWay++;
    this.ask(this.#grabs, [], (reply) => {
      if (reply.name !== 'NO_JOB' && !this.#onAssign(reply)) return false;
      this.#grabsUnderWay--;
      if (reply.name === 'NO_JOB') this.#wantsSleep = !this.temper.polls || this.random.oneIn(3);
      return true;
    });
  }

  #onAssign(packet: WirePacket): boolean {
    const { name, args, data } = packet;
    const [handle, fn, unique, reducer] = args.map((arg) => arg.toString('latin1'));
    const isRight =
      (this.#grabs === 'GRAB_JOB' && name === 'JOB_ASSIGN') ||
      (this.#grabs !== 'GRAB_JOB' && name === 'JOB_ASSIGN_UNIQ') ||
      (this.#grabs === 'GRAB_JOB_ALL' && name === 'JOB_ASSIGN_ALL');
    if (!isRight || handle === undefined || fn === undefined) return false;
    this.ledger.assigned(this.link, handle, fn, unique ?? null, reducer ?? null, data);
    this.#held.set(handle, fn);
    this.#taboo.add(handle);
    return true;
  }

  /** One packet about a job that it runs. */
  #work(): void {
    const { random, temper } = this;
    const handle = random.pick([...this.#held.keys()]);
    if (!random.oneIn(temper.slowness)) {
      if (random.oneIn(3)) this.#progress(handle);
      return;
    }
    const isTried = this.world.policies.tried.has(this.#held.get(handle) as string);
    const end = random.weighted([
      [8, () => this.#say('WORK_COMPLETE', handle, this.bytes(this.token()))],
      [1, () => this.#sayShort(handle)],
      [isTried ? 12 : 1, () => this.#say('WORK_FAIL', handle, null)],
      [isTried ? 6 : 1, () => this.#say('WORK_EXCEPTION', handle, this.#excuse())],
      // A GRAB under way could get the same job again in between.
      [isTried && this.#grabsUnderWay > 0 ? 0 : 1, () => this.#dieProperly(handle)],
    ] as const);
    end();
    if (random.oneIn(2)) this.#seekWork();
  }

  #progress(handle: string): void {
    const { random } = this;
    const name = random.pick(['WORK_DATA', 'WORK_WARNING', 'WORK_STATUS'] as const);
    if (name !== 'WORK_STATUS') this.#say(name, handle, this.bytes(this.token()));
    else {
      const [, id] = this.token().split('.');
      this.#say(name, handle, Buffer.from(`${id}\0${this.link.socket.fd}`));
    }
  }

  #say(name: PacketName, handle: string, rest: Buffer | null): void {
    const fn = this.#held.get(handle) as string;
    const isLate = this.ledger.isExcused(this.link, fn);
    if (this.link.isUp) this.ledger.said(this.link, handle, name, rest ?? Buffer.alloc(0));
    const args: (string | Buffer)[] = [handle];
    if (name === 'WORK_STATUS') args.push(...(rest as Buffer).toString().split('\0'));
    else if (rest !== null) args.push(rest);
    this.tellWork(name, args, isLate ? 'may' : 'never');
    if (!isFinal(name)) return;
    this.#held.delete(handle);
    // Known to be over: one more packet about it is an error. Not so behind an exception, or if it may come again.
    if (!isLate && name !== 'WORK_EXCEPTION') this.#taboo.delete(handle);
  }

  /** A result without the NUL that should follow the handle, as some libraries send an empty one. */
  #sayShort(handle: string): void {
    const fn = this.#held.get(handle) as string;
    if (this.link.isUp) this.ledger.said(this.link, handle, 'WORK_COMPLETE', Buffer.alloc(0));
    const packet = rawPacket(typeOf('WORK_COMPLETE'), handle);
    this.sendWork('WORK_COMPLETE', packet, this.ledger.isExcused(this.link, fn) ? 'may' : 'never');
    this.#held.delete(handle);
  }

  /** Data of an exception, now and then with an order in front. */
  #excuse(): Buffer {
    const { random } = this;
    const order = random.pick([
      '',
      '',
      'geartrain:dead\n',
      `geartrain:retry=${random.below(1500)}\n`,
    ]);
    return this.bytes(order + this.token());
  }

  /** Exception and failure for one job: the second packet must be swallowed. */
  #dieProperly(handle: string): void {
    const isLate = this.ledger.isExcused(this.link, this.#held.get(handle) as string);
    this.#say('WORK_EXCEPTION', handle, this.#excuse());
    this.tellWork('WORK_FAIL', [handle], isLate ? 'may' : 'never');
    // An ERROR may be taken for that of an earlier packet which may or may not get one.
    const isSure = !isLate && !this.link.expected.some(({ isOptional }) => isOptional);
    if (this.random.oneIn(3))
      this.tellWork('WORK_COMPLETE', [handle, 'again'], isSure ? 'must' : 'may');
  }

  /** Whether an ERROR could only mean the stray packet. */
  get #mayStray(): boolean {
    return this.#grabsUnderWay === 0 && !this.link.expected.some(({ isOptional }) => isOptional);
  }

  /** A packet about a job that is not its own. */
  #stray(): void {
    const { random, ledger } = this;
    const handles = ledger.handles.filter((handle) => !this.#taboo.has(handle));
    const handle = random.oneIn(3)
      ? random.pick([madeUpHandle(1), madeUpHandle(0), 'H:other:1', ''])
      : random.pick(handles.length > 0 ? handles : ['H:x']);
    const name = random.pick([
      'WORK_COMPLETE',
      'WORK_FAIL',
      'WORK_DATA',
      'WORK_EXCEPTION',
    ] as const);
    const args = name === 'WORK_FAIL' ? [handle] : [handle, 'stray'];
    this.tellWork(name, args, 'must');
  }
}
