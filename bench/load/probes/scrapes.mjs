// Reads /metrics of a server once a second, as Prometheus does, while a trial is played.
// Rule: the first page is whole before the load begins, and a page that cannot be read is an error, not a gap.
import { once } from 'node:events';

const everyMs = 1000;
const place = /control on (127\.0\.0\.1:\d+)/;

/** Where the control port of a server is, by its first line. */
async function controlOf(child) {
  let text = '';
  while (!place.test(text)) text += (await once(child.stdout, 'data'))[0];
  return place.exec(text)[1];
}

/** The server was started a moment ago. Answers a function that ends the reading and says what was read. */
export async function startScraping(child) {
  const url = `http://${await controlOf(child)}/metrics`;
  child.stdout.resume();
  const scrapes = { count: 0, bytesMax: 0, msMax: 0 };
  let failure;
  const scrape = async () => {
    const begunAtMs = performance.now();
    const answer = await fetch(url);
    const { byteLength } = await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    scrapes.count++;
    scrapes.bytesMax = Math.max(scrapes.bytesMax, byteLength);
    scrapes.msMax = Math.max(scrapes.msMax, performance.now() - begunAtMs);
  };
  let under = scrape();
  await under;
  const timer = setInterval(() => {
    under = under.then(scrape).catch((error) => {
      failure ??= error;
    });
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await under;
    if (failure) throw failure;
    return scrapes;
  };
}
