/**
 * Web off-load: POST /reports hands the work to a worker and answers at once, GET /reports/ID says how far it is.
 *
 *   npx --no -- gearmand --listen 127.0.0.1 &
 *   node examples/web/worker.mjs &
 *   node examples/web/app.mjs &
 *   curl -i -d '{"numbers":[1,2,6]}' http://127.0.0.1:8080/reports
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { Client, json } from 'geartrain';

// Without a job server a request is refused at once instead of waiting for one.
const client = new Client({ servers: ['127.0.0.1:4730'], codec: json, whenOffline: 'fail' });
/** Reports by id. Another process does not see them: an application keeps them in its database. */
const reports = new Map();

const app = createServer(async (request, response) => {
  const answer = (status, value, headers = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(value));
  };
  const [, place, id] = request.url.split('/');
  try {
    if (place !== 'reports') answer(404, { error: 'no such page' });
    else if (request.method === 'POST') {
      const ordered = await order(JSON.parse(await text(request)));
      answer(202, { id: ordered }, { location: `/reports/${ordered}` });
    } else if (reports.has(id)) answer(200, reports.get(id));
    else answer(404, { error: 'no such report' });
  } catch (error) {
    answer(error instanceof SyntaxError ? 400 : 503, { error: error.message });
  }
});

/** Submits a report and returns its id as soon as the job server has the job. */
async function order(input) {
  const job = client.submit('report', input, { timeoutMs: 60_000 });
  await job.handle;
  const id = randomUUID();
  reports.set(id, { state: 'running', percent: 0 });
  void follow(id, job); // not awaited: the request is answered now
  return id;
}

/** Keeps what the worker sends about a report. */
async function follow(id, job) {
  try {
    for await (const event of job) {
      if (event.type === 'status')
        reports.set(id, { state: 'running', percent: (100 * event.numerator) / event.denominator });
      if (event.type === 'complete') reports.set(id, { state: 'done', result: event.result });
    }
  } catch (error) {
    reports.set(id, { state: 'failed', reason: error.message });
  }
}

app.listen(8080, '127.0.0.1', () => console.log('http://127.0.0.1:8080/reports'));
process.once('SIGTERM', async () => {
  app.close();
  await client.close();
});
