/** Fails its job as the workload says. */
import { Dead, Retry } from '../../../dist/index.js';

export default function fail(job) {
  if (job.text() === 'dead') throw new Dead('no such user');
  throw new Retry({ delayMs: 1, message: 'busy' });
}
