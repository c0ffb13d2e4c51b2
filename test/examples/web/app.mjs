/**
 * Web requests hand long work to a worker: POST /reports answers at once with a ticket, GET /reports/:id asks for it.
 * Usage: node app.mjs [HOST:PORT of the job server]
 */
import express from 'express';
import { Client, json } from 'geartrain';

const client = new Client({ servers: [process.argv[2] ?? 'localhost:4730'], codec: json });
const reports = new Map();

const app = express();
app.use(express.json());

app.post('/reports', async (request, response) => {
  const job = client.submit('report', request.body);
  const id = await job.handle; // the job server has it; the request need not wait for more
  reports.set(id, { state: 'running', percent: 0 });
  void follow(id, job); // on its own: the answer leaves now
  response
    .status(202)
    .location(`/reports/${encodeURIComponent(id)}`)
    .json({ id });
});

app.get('/reports/:id', (request, response) => {
  const report = reports.get(request.params.id);
  if (report === undefined) response.status(404).json({ error: 'no such report' });
  else response.json(report);
});

/** Keeps what the worker says of a report, for whoever asks. */
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

const http = app.listen(0, '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${http.address().port}`),
);
process.once('SIGTERM', async () => {
  http.close();
  await client.close();
});
