/** `job.attempt`: from the handle that a server assigns, which the handler never sees. */
import { expect, it } from 'vitest';
import { Worker } from '../../../src/index.ts';
import { endScripted, keep, quick, scripted } from '../../support/scripted-yard.ts';

endScripted();

it.each([
  ['H:1', 'H:1', 1],
  ['H:1~2.1', 'H:1', 2],
  ['H:a~b:1~1000.999999999', 'H:a~b:1', 1000],
  ['H:a~2.1:1', 'H:a~2.1:1', 1],
  ['H:1~2', 'H:1~2', 1],
])(
  'of %s the handler sees %s and attempt %i, the server its own handle',
  async (sent, handle, attempt) => {
    const server = await scripted();
    const worker = keep(new Worker(quick([server])));
    const seen: unknown[] = [];
    worker.add('f', (job) => {
      seen.push([job.handle, job.attempt]);
      job.progress(1, 2);
      return 'done';
    });
    const [, peer] = await Promise.all([worker.start(), server.acceptReady()]);
    await peer.expect('GRAB_JOB_ALL');
    peer.send('JOB_ASSIGN_UNIQ', sent, 'f', '', '');
    for (const name of ['WORK_STATUS', 'WORK_COMPLETE'] as const)
      expect(String((await peer.expect(name)).args[0])).toBe(sent);
    expect(seen).toEqual([[handle, attempt]]);
  },
);

it.each(['nothing', 'OPTION_RES', 'ERROR'])(
  'works with a server that answers the option with %s',
  async (answer) => {
    const server = await scripted();
    const worker = keep(new Worker(quick([server])));
    const errors: unknown[] = [];
    worker.on('serverError', (error) => errors.push(error));
    worker.add('f', () => '');
    const started = worker.start();
    const peer = await server.accept();
    const option = await peer.expect('OPTION_REQ');
    expect(String(option.args[0])).toBe('attempts');
    if (answer === 'OPTION_RES') peer.send('OPTION_RES', 'attempts');
    if (answer === 'ERROR')
      peer.send('ERROR', 'UNKNOWN_OPTION', 'Server does not recognize given option');
    await peer.welcome();
    await started;
    await peer.expect('GRAB_JOB_ALL');
    expect(errors).toEqual([]);
  },
);
