/** Steps that hand in jobs: all forms of SUBMIT that gearmand has. */
import type { PacketName } from '../../support/packet-text.ts';
import type { Draft, Handler } from './draft.ts';
import { evenSubmit } from './even.ts';
import type { Submit } from './frames.ts';
import * as pools from './pools.ts';

type Form = readonly [name: PacketName, priority: 0 | 1 | 2, isBackground: boolean];

const FORMS: readonly Form[] = [
  ['SUBMIT_JOB', 1, false],
  ['SUBMIT_JOB_BG', 1, true],
  ['SUBMIT_JOB_HIGH', 0, false],
  ['SUBMIT_JOB_HIGH_BG', 0, true],
  ['SUBMIT_JOB_LOW', 2, false],
  ['SUBMIT_JOB_LOW_BG', 2, true],
];

export const submit: Handler = (draft, [form = 0, fn = 0, unique = 0, data = 0]) => {
  const [, priority, isBackground] = FORMS[form % FORMS.length] as Form;
  push(draft, {
    functionName: draft.functionAt(fn),
    unique: draft.uniqueAt(unique),
    data: pools.workload(data),
    priority,
    isBackground,
    isUndue: false,
  });
};

export const submitEpoch: Handler = (draft, [when = 0, fn, unique = 0, data = 0, epoch = 0]) => {
  const isUndue = when % 2 === 0;
  const wanted: Submit = {
    functionName: draft.functionAt(fn),
    unique: isUndue ? pools.ownUnique(unique, draft.setting.prefix) : draft.uniqueAt(unique),
    data: pools.workload(data),
    priority: 1,
    isBackground: true,
    isUndue,
  };
  push(draft, wanted, epoch);
};

export const submitReduce: Handler = (draft, [form = 0, fn, unique, data = 0, reducer = 0]) => {
  push(draft, {
    functionName: draft.functionAt(fn),
    // Longer ones are left out.
    unique: draft.uniqueAt(unique).slice(0, 63),
    data: pools.workload(data),
    priority: 1,
    isBackground: form % 2 === 0,
    isUndue: false,
    reducer: pools.reducer(reducer),
  });
};

/** `epoch`: the submit is a SUBMIT_JOB_EPOCH; the number chooses the text of the time. */
function push(draft: Draft, wanted: Submit, epoch?: number): void {
  const even = evenSubmit(wanted, draft.model, draft.setting.freshUnique);
  if (even === null) return;
  const { functionName, unique, data } = even;
  const add = (name: PacketName, ...between: string[]): void => {
    const args = [functionName, unique, ...between, data];
    draft.frames.push({ kind: 'packet', name, args, submit: even });
  };
  if (even.reducer !== undefined) {
    add(
      even.isBackground ? 'SUBMIT_REDUCE_JOB_BACKGROUND' : 'SUBMIT_REDUCE_JOB',
      even.reducer,
      'ignored',
    );
    return;
  }
  if (epoch !== undefined) {
    add('SUBMIT_JOB_EPOCH', even.isUndue ? pools.epochLater(epoch) : pools.epochDue(epoch));
    return;
  }
  const [name] = FORMS.find(
    ([, priority, isBackground]) =>
      priority === even.priority && isBackground === even.isBackground,
  ) as Form;
  add(name);
}
