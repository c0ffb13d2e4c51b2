/** Tasks over many dead jobs. A caller sees the tasks of the functions that he may view. */
import type { BulkTasks, Task } from './bulk-tasks.ts';
import { type Caller, callerText, hasRight, lackOf } from './caller.ts';
import type { HandlersOf } from './handler.ts';
import { bytesOfText } from './names.ts';
import { ApiProblem } from './problems.ts';
import type { BulkTask, RightName } from './schemas.ts';

type Names = 'bulkTasks' | 'startBulk' | 'bulkTask' | 'cancelBulk';

export function bulkHandlers(tasks: BulkTasks): HandlersOf<Names> {
  return {
    bulkTasks: ({ caller }) => ({
      tasks: tasks
        .all()
        .filter(({ functionName }) => hasRight(caller, 'view', functionName))
        .map((task) => viewFor(caller, task)),
    }),
    startBulk: ({ caller, body, noted }) => {
      const name = bytesOfText(body.filter.function);
      require(caller, body.action === 'delete' ? 'admin' : 'operate', name);
      if (body.filter.error !== undefined) require(caller, 'inspect', name);
      const who = callerText(caller);
      const task = tasks.start(who, body);
      noted.target = task.view.id;
      noted.after = JSON.stringify(body);
      return viewFor(caller, task);
    },
    bulkTask: ({ caller, name }) => viewFor(caller, viewable(tasks, caller, name)),
    cancelBulk: ({ caller, name }) => {
      const { view, functionName } = viewable(tasks, caller, name);
      require(caller, view.action === 'delete' ? 'admin' : 'operate', functionName);
      return viewFor(caller, tasks.cancel(name));
    },
  };
}

function require(caller: Caller, right: RightName, functionName: string): void {
  if (!hasRight(caller, right, functionName)) throw lackOf(caller, right);
}

function viewable(tasks: BulkTasks, caller: Caller, id: string): Task {
  const task = tasks.of(id);
  if (!hasRight(caller, 'view', task.functionName)) throw new ApiProblem('taskUnknown');
  return task;
}

/** Without `inspect` the text that errors contain is not shown. */
function viewFor(caller: Caller, { view, functionName }: Task): BulkTask {
  const { error, ...filter } = view.filter;
  const mayInspect = error === undefined || hasRight(caller, 'inspect', functionName);
  return { ...view, filter: mayInspect ? view.filter : filter };
}
