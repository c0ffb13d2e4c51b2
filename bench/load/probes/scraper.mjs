// Reads a page over and over until it is stopped (SIGTERM), and then prints its counts.
// Usage: node scraper.mjs URL MS
// Rule: prints `READ` after the first page; a page that cannot be read ends it with 1.
import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const [url, everyMs] = process.argv.slice(2);
const scrapes = { count: 0, bytesMax: 0, msMax: 0 };

process.once('SIGTERM', () => {
  console.log(JSON.stringify(scrapes));
  process.exit(0);
});

async function scrape() {
  const begunAtMs = performance.now();
  const [answer] = await once(get(url), 'response');
  let bytes = 0;
  for await (const part of answer) bytes += part.length;
  if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode}`);
  scrapes.count++;
  scrapes.bytesMax = Math.max(scrapes.bytesMax, bytes);
  scrapes.msMax = Math.max(scrapes.msMax, performance.now() - begunAtMs);
}

await scrape();
console.log('READ');
for (;;) {
  const due = sleep(Number(everyMs));
  await scrape();
  await due;
}
