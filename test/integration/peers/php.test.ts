/** PHP's gearman extension (libgearman) as worker and client, as in gearmand's introduction. */
import { afterEach, describe, expect, it } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import { describeFlavours, run, script, startWorker, stopWorkers } from './programs.ts';

const EXPECTED = `normal: !dlroW olleH
high: cba
low: 620061
big: equal
ping: yes
background: accepted
background: done
tasks: ok
  complete r1 eno
  complete r2 owt
  complete s1 2 steps
  complete w1 warned
  created b1
  created e1
  created r1
  created r2
  created s1
  created w1
  data s1 step 1
  data s1 step 2
  exception e1 it went wrong: x
  status s1 1/2
  status s1 2/2
  warning w1 careful
fail: heard
exception: code WORK_EXCEPTION
after: ereh llits
`;

describe.skipIf(!requirePeer('php'))('php-gearman', () => {
  afterEach(stopWorkers);

  describeFlavours('worker.php and client.php', (server) => {
    it('get right answers from a worker that is there', { timeout: 40_000 }, async () => {
      startWorker('php', [script('worker.php'), String(server().port)]);
      const client = await run('php', [script('client.php'), String(server().port)]);
      expect(client.stdout + client.stderr).toBe(EXPECTED);
      expect(client.code).toBe(0);
    });

    it('get right answers from two workers that come later', { timeout: 40_000 }, async () => {
      const client = run('php', [script('client.php'), String(server().port)]);
      const admin = await server().connect('admin');
      // The client's first job waits until its function has a worker.
      let rows: string[] = [];
      while (!rows.includes('reverse\t1\t0\t0')) rows = await admin.list('status');
      startWorker('php', [script('worker.php'), String(server().port)]);
      startWorker('php', [script('worker.php'), String(server().port)]);
      const { stdout, stderr, code } = await client;
      expect(stdout + stderr).toBe(EXPECTED);
      expect(code).toBe(0);
      await admin.close();
    });
  });
});
