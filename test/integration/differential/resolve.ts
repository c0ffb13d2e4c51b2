/**
 * Decides what a step sends in the present state of the dialogue: a table of handlers by kind of step. Rule: the same
 * step in the same state is the same for both servers and in every replay; what LEFT_OUT and EVENED_OUT forbid is
 * replaced by something near to it, or by nothing.
 */
import { type Action, Draft, type Handler, type Setting } from './draft.ts';
import type { Frame } from './frames.ts';
import type { Connection, Model } from './model.ts';
import * as other from './other-steps.ts';
import * as pools from './pools.ts';
import type { Op, Step } from './steps.ts';
import * as submits from './submit-steps.ts';
import * as worker from './worker-steps.ts';

/** One of the questions and submits that a client sends in one write. */
const clientFrame: Handler = (draft, [kind = 0, ...rest]) => {
  const handlers: Handler[] = [
    other.echo,
    other.getStatus,
    other.option,
    other.list,
    other.oddText,
    submits.submitReduce,
    submits.submit,
    submits.submit,
    submits.submit,
  ];
  (handlers[kind % handlers.length] as Handler)(draft, rest);
};

/** A chunk for what the worker holds. A job that a GRAB of the same write may bring is not named: that were a guess. */
const chunk: Handler = (draft, [kind = 0, choice = 0, m = 0, value = 0]) => {
  const { handle, job } = worker.workTarget(draft, choice, m);
  const isGuess = job === null && typeof handle !== 'string';
  const args = [isGuess ? pools.wrongHandle(m) : handle, pools.workload(value)];
  draft.send(kind % 2 === 0 ? 'WORK_DATA' : 'WORK_WARNING', args);
};

/** Nothing final: what is held stays held until the next step. */
const workerFrame: Handler = (draft, [kind = 0, ...rest]) => {
  const handlers = [other.echo, other.clientId, worker.grab, worker.grab, chunk, chunk, chunk];
  (handlers[kind % handlers.length] as Handler)(draft, rest);
};

/** Several frames in one write: submits and questions, or grabs and chunks. */
const burst: Handler = (draft, [count = 0, ...n]) => {
  const isWorker = draft.me.abilities.length > 0 || draft.me.held.length > 0;
  for (let i = 0; i < 2 + (count % 4); i++) {
    const mixed = n.map((x, at) => Math.imul(x ^ (i * 0x9e3779b1), 0x85ebca6b + at) >>> 0);
    (isWorker ? workerFrame : clientFrame)(draft, mixed);
  }
  if (!draft.setting.hasShards) return;
  // A listing is no snapshot between shards.
  const isListing = (f: Frame): boolean => f.kind === 'text' && f.reply !== 'line';
  const listings = draft.frames.filter(isListing);
  draft.frames = [...draft.frames.filter((f) => !isListing(f)), ...listings];
};

const HANDLERS: Readonly<Record<Exclude<Op, 'drain'>, Handler>> = {
  submit: submits.submit,
  submitEpoch: submits.submitEpoch,
  submitReduce: submits.submitReduce,
  canDo: worker.canDo,
  canDoTimeout: worker.canDoTimeout,
  cantDo: worker.cantDo,
  resetAbilities: worker.resetAbilities,
  preSleep: worker.preSleep,
  grab: worker.grab,
  work: worker.orGrab(worker.work),
  exception: worker.orGrab(worker.exception),
  getStatus: other.getStatus,
  getStatusUnique: other.getStatusUnique,
  option: other.option,
  clientId: other.clientId,
  echo: other.echo,
  unexpected: other.unexpected,
  resMagic: other.resMagic,
  list: other.list,
  oddText: other.oddText,
  cancel: other.cancel,
  maxqueue: other.maxqueue,
  createFunction: other.createFunction,
  dropFunction: other.dropFunction,
  disconnect: other.disconnect,
  closingInput: other.closingInput,
  burst,
};

export type PlainStep = Step & { readonly op: Exclude<Op, 'drain'> };

/** False for a drain, which is several actions: dialogue.ts. */
export function isPlain(step: Step): step is PlainStep {
  return step.op !== 'drain';
}

/** The action of a step, for the connection `me`. */
export function resolve(step: PlainStep, me: Connection, model: Model, setting: Setting): Action {
  const draft = new Draft(model, setting, me);
  HANDLERS[step.op](draft, step.n);
  return draft.action();
}
