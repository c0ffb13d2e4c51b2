/** What a word may mean: the handle of a job, part of a function's name, or a unique key. */

import { showFunctions } from '../api/functions.ts';
import { pathOf, queryOf, segmentOf } from '../api/paths.ts';
import { ApiError, get } from '../api/request.ts';
import { has, may } from '../api/server.ts';
import type { FunctionsPage, JobsPage, JobView } from '../api/types.ts';
import { FunctionTable } from '../parts/function-table.tsx';
import { JobTable } from '../parts/job-table.tsx';
import { Failure, JobLink, Loading } from '../parts/words.tsx';
import { usePoll } from '../poll.ts';
import { route } from '../routing.ts';

interface Found {
  readonly job: JobView | null;
  readonly functions: FunctionsPage['functions'];
  readonly jobs: JobsPage['jobs'];
}

export function Search() {
  const words = route.value.query.get('q') ?? '';
  const { data, error } = usePoll<Found>((stop) => find(words, stop), [words], null);
  return (
    <>
      <h1>
        Search: <span class="name">{words}</span>
      </h1>
      {error !== null && <Failure error={error} />}
      {data === null ? error === null && <Loading /> : <Results words={words} found={data} />}
    </>
  );
}

function Results({ words, found: { job, functions, jobs } }: { words: string; found: Found }) {
  if (job === null && functions.length === 0 && jobs.length === 0)
    return (
      <p class="empty">
        No function's name contains <code>{words}</code>, and no job has it as its handle
        {may('inspect') ? ' or unique key' : ''}. A job that is done is not kept.
      </p>
    );
  return (
    <>
      {job !== null && (
        <section>
          <h2>Job</h2>
          <p>
            <JobLink handle={job.handle} /> of <b class="name">{job.function}</b>: {job.state}
          </p>
        </section>
      )}
      {functions.length > 0 && (
        <section>
          <h2>Functions</h2>
          <FunctionTable
            caption="Functions whose name contains it"
            rows={functions}
            empty=""
            shown={(shown) => showFunctions(shown.map(segmentOf))}
          />
        </section>
      )}
      {jobs.length > 0 && (
        <section>
          <h2>Jobs with this unique key</h2>
          <JobTable caption="Jobs with this unique key" rows={jobs} empty="" />
        </section>
      )}
    </>
  );
}

async function find(words: string, stop: AbortSignal): Promise<Found> {
  const job = /^H:.*\d$/.test(words) && has('jobs') ? await findJob(words, stop) : null;
  const { functions } = await get<FunctionsPage>(
    `v1/functions${queryOf({ match: words, limit: 50 })}`,
    stop,
  );
  if (!has('jobs') || !may('inspect')) return { job, functions, jobs: [] };
  const query = queryOf({ unique: words, isExact: 1, limit: 50 });
  const { jobs } = await get<JobsPage>(`v1/jobs${query}`, stop);
  return { job, functions, jobs };
}

async function findJob(handle: string, stop: AbortSignal): Promise<JobView | null> {
  try {
    return await get<JobView>(pathOf.job(handle), stop);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
