/** A program that has drained its worker and closed its client ends by itself: nothing of the library keeps it. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PackageFolder } from '../../support/package-folder.ts';

let folder: PackageFolder;
beforeEach(async () => {
  folder = await PackageFolder.make();
  await folder.serve();
});
afterEach(() => folder.remove());

it('after a drain and a close no timer and no socket is left', async () => {
  folder.write(
    'program.mjs',
    `import { Client, Worker } from 'geartrain';
     const servers = ['127.0.0.1:4730'];
     const worker = new Worker({ servers }).add('echo', (job) => job.data);
     const client = new Client({ servers });
     await worker.start();
     await client.submit('echo', 'x');
     await worker.drain();
     await client.close();
     // What was closed in this turn is still listed.
     await new Promise((resolve) => setImmediate(resolve));
     const ours = new Set(['Timeout', 'TCPSocketWrap', 'Immediate']);
     console.log(process.getActiveResourcesInfo().filter((name) => ours.has(name)).join());`,
  );
  expect(await folder.run('node program.mjs')).toEqual({ code: 0, stdout: '\n', stderr: '' });
});
