/**
 * A server with a journal in a process of its own, to be killed. Options come as JSON; it reports its port when it
 * listens, and answers `settled` when all earlier requests are committed.
 */
import { createServer } from '../../../dist/index.js';

const log = { level: 5, log: (level, text) => process.send?.({ log: `${level} ${text}` }) };
const server = createServer({
  host: '127.0.0.1',
  port: 0,
  logger: log,
  ...JSON.parse(process.argv[2]),
});
await server.listen();
process.send?.({ port: server.address.port });
process.on('message', async () => {
  for (;;) {
    const { store } = await server.stats();
    if (store.uncommitted === 0) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.send?.({ settled: true });
});
