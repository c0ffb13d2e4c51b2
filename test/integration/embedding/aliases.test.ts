/** Aliases of a server in a program: for its own clients, for those on sockets and over HTTP. */
import { describe, expect, it } from 'vitest';
import { Client } from '../../../dist/index.js';
import { useYard, variants } from '../../support/embedding/servers.ts';

describe.each(variants())('aliases, $label', (variant) => {
  const yard = useYard();

  const start = () =>
    yard().start(variant, {
      protocol: 'http',
      httpPort: 0,
      aliases: {
        mail_urgent: { function: 'mail', priority: 'high' },
        mail_later: 'mail{priority:low}',
      },
    });

  const post = (port: number | undefined, name: string, body: string, priority?: string) =>
    fetch(`http://127.0.0.1:${port}/${name}`, {
      method: 'POST',
      body,
      headers: {
        'X-Gearman-Background': 'true',
        ...(priority !== undefined && { 'X-Gearman-Priority': priority }),
      },
    });

  it('serve clients in memory, on sockets and over HTTP with jobs of one function', async () => {
    const { server, port } = await start();
    const httpPort = server.httpAddresses[0]?.port;
    const inside = new Client({ server });
    const outside = await yard().peer({ port }, 'client');
    await inside.submit('mail_later', 'memory', { background: true, priority: 'high' });
    await outside.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'mail', '', 'own name');
    await outside.ask('JOB_CREATED', 'SUBMIT_JOB_LOW_BG', 'mail_urgent', '', 'socket');
    expect((await post(httpPort, 'mail_urgent', 'http', 'low')).status).toBe(200);
    expect((await post(httpPort, 'mail', 'high http', 'high')).status).toBe(200);
    const worker = await yard().peer({ port }, 'worker');
    worker.send('CAN_DO', 'mail');
    const got: string[] = [];
    for (let i = 0; i < 5; i++) {
      const { args, data } = await worker.ask('JOB_ASSIGN', 'GRAB_JOB');
      got.push(`${args[1]}: ${data}`);
    }
    const order = ['socket', 'http', 'high http', 'own name', 'memory'];
    expect(got).toEqual(order.map((data) => `mail: ${data}`));
    await inside.close();
  });

  it('join jobs of the function over HTTP, by unique and by equal bodies', async () => {
    const { server, port } = await start();
    const httpPort = server.httpAddresses[0]?.port;
    const large = 'x'.repeat(100_000);
    const handles = [];
    for (const name of ['mail', 'mail_urgent', 'mail_later'])
      handles.push((await post(httpPort, name, large)).headers.get('x-gearman-job-handle'));
    expect(new Set(handles).size).toBe(1);
    const outside = await yard().peer({ port }, 'client');
    const joined = await outside.ask('JOB_CREATED', 'SUBMIT_JOB_BG', 'mail_urgent', '-', large);
    expect(joined.args[0]?.toString()).toBe(handles[0]);
  });
});
