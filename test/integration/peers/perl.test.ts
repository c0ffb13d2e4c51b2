/** Perl's Gearman::Worker and Gearman::Client: results without NUL, exceptions with a WORK_FAIL behind them. */
import { afterEach, describe, expect, it } from 'vitest';
import { requirePeer } from '../../support/peers.ts';
import { describeFlavours, run, script, startWorker, stopWorkers } from './programs.ts';

const EXPECTED = `reverse: !dlroW olleH
unique: cba
high: hgih
sum: 6
status: 1/3 2/3 3/3
set: empty []
set: give_up failed
set: one eno
set: three eerht
set: two owt
set: zero []
dies: undefined
exception: out of coffee
after: ereh llits
background: accepted
background: done
`;

describe.skipIf(!requirePeer('perl'))('Gearman::Client and Gearman::Worker', () => {
  afterEach(stopWorkers);

  describeFlavours('worker.pl and client.pl', (server) => {
    it('get right answers, and the worker outlives an exception', { timeout: 40_000 }, async () => {
      const worker = startWorker('perl', [script('worker.pl'), String(server().port)]);
      const client = await run('perl', [script('client.pl'), String(server().port)]);
      expect(client.stdout + client.stderr).toBe(EXPECTED);
      expect(client.code).toBe(0);
      expect(worker.exitCode).toBeNull();
    });
  });
});

describe.skipIf(!requirePeer('perl') || !requirePeer('php'))('different libraries', () => {
  afterEach(stopWorkers);

  describeFlavours('a Perl client with a PHP worker', (server) => {
    it('understand each other', { timeout: 40_000 }, async () => {
      startWorker('php', [script('worker.php'), String(server().port)]);
      const code = `use Gearman::Client;
        my $client = Gearman::Client->new(job_servers => ["127.0.0.1:$ARGV[0]"]);
        print \${ $client->do_task(reverse => 'Hello World!') };`;
      const client = await run('perl', ['-e', code, String(server().port)]);
      expect(client.stdout).toBe('!dlroW olleH');
    });
  });
});
