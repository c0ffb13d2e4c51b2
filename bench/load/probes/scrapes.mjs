// Reads /metrics of a server once a second, as Prometheus does, while a trial is played.
// Rule: the first page is whole before the load begins, and a page that cannot be read is an error, not a gap.
import { once } from 'node:events';
import { choosePins, start, stop } from '../processes.mjs';

const everyMs = 1000;
const place = /control on (127\.0\.0\.1:\d+)/;
const program = new URL('scraper.mjs', import.meta.url).pathname;

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
  // On the load generator's core, and behind it: who reads the page of a real server is elsewhere.
  const cores = choosePins()?.load;
  const words = ['nice', '-n', '19', process.execPath, program, url, String(everyMs)];
  const scraper = start(words, { cores });
  let said = '';
  scraper.stdout.on('data', (text) => {
    said += text;
  });
  const failed = scraper.ended.then(({ code, error }) => {
    if (code !== 0) throw error ?? new Error(scraper.tail());
  });
  while (!said.includes('READ')) await Promise.race([once(scraper.stdout, 'data'), failed]);
  return async () => {
    await stop(scraper);
    await failed;
    return JSON.parse(said.trim().split('\n').at(-1));
  };
}
