// One trial on one server, in fresh processes of both; the load generator's result is the sample. Rule: never throws;
// a failure is the sample's `error`, and no process is left running.
import os from 'node:os';
import { freePort } from '../../test/support/free-port.mjs';
import { playAlone, playTogether } from './generators.mjs';
import { collectPauses, watchPauses } from './probes/pauses.mjs';
import { startScraping } from './probes/scrapes.mjs';
import { optionsByShard } from './probes/shards.mjs';
import { choosePins, start, stop, waitUntilQuiet, waitUntilReady } from './processes.mjs';
import { removeFolders } from './stored-servers.mjs';
import { optionsOf } from './trials.mjs';

const embedded = new URL('embedded.mjs', import.meta.url).pathname;
const secondsMax = 120;
/** Scenarios in which a peer is opened and nothing is asked. */
const silent = ['connections', 'sleepers'];

/** What the load generator's answer misses of what was asked for; '' when it is complete. */
function lackOf(result, asked, generators) {
  const { jobs, isCut, counts } = result;
  if (isCut) return '';
  const wanted = asked.jobs * generators;
  if (jobs !== wanted) return `${jobs} of ${wanted} jobs were counted`;
  if (silent.includes(asked.scenario)) return '';
  return counts.answered === jobs ? '' : `${counts.answered} answers to ${jobs} jobs`;
}

async function playOn(target, trial, server, context, sample) {
  const options = optionsOf(trial, server, context.scale);
  if (context.isSpinning) options.spin = true;
  if (context.isTracing && target.pid) options.pause = true;
  sample.asked = options;
  const each = trial.shards ? await optionsByShard(target.host, target.port, trial.shards) : [{}];
  const all = each.map((own) => ({ ...options, ...own }));
  const seconds = Math.min(trial.seconds ?? secondsMax, context.secondsLeft());
  const pins = choosePins(server.shards)?.load;
  const { result, syscalls } = await playTogether(context.load, target, all, { seconds, pins });
  const lack = lackOf(result, options, all.length);
  if (lack) throw new Error(lack);
  sample.result = result;
  if (syscalls) sample.syscalls = syscalls;
}

async function playEmbedded(trial, server, context, sample) {
  const options = optionsOf(trial, server, context.scale);
  sample.asked = options;
  const seconds = Math.min(trial.seconds ?? secondsMax, context.secondsLeft());
  const cores = choosePins()?.server;
  const result = await playAlone(embedded, options, { seconds, cores });
  const lack = lackOf(result, options, 1);
  if (lack) throw new Error(lack);
  sample.result = result;
}

/** Starts a fresh server, plays the trial, stops the server. Answers a sample, never throws. */
export async function play(trial, server, context) {
  const sample = { trial: trial.name, server: server.name, loadAverage: os.loadavg()[0] };
  if (context.patience > 0) await waitUntilQuiet(context.patience);
  const isWatched = trial.watchesPauses && server.isGeartrain;
  const pauses = isWatched ? watchPauses(context.folder) : undefined;
  let child;
  let scraping;
  try {
    if (trial.isEmbedded) {
      await playEmbedded(trial, server, context, sample);
      return sample;
    }
    let { host, port, pid } = server.attached ?? { host: '127.0.0.1' };
    if (!server.attached) {
      port = await freePort();
      child = start(server.argv(context, port), {
        cores: choosePins(server.shards)?.server,
        env: { ...server.env, ...pauses?.env },
      });
      if (server.isScraped) scraping = startScraping(child);
      else child.stdout.resume();
      // Its failure is heard below, when the server is ready or has failed itself.
      scraping?.catch(() => {});
      pid = child.pid;
    }
    await waitUntilReady(host, port, child);
    const endScraping = await scraping;
    await playOn({ host, port, pid }, trial, server, context, sample);
    if (endScraping) sample.result.scrapes = await endScraping();
  } catch (error) {
    const last = child?.tail().split('\n').at(-1);
    sample.error = last ? `${error.message} [server: ${last}]` : error.message;
  } finally {
    // Where it was ended above this ends nothing; whatever went wrong is said.
    await scraping?.then((end) => end()).catch(() => {});
    if (child) await stop(child);
    removeFolders();
  }
  if (pauses && sample.result) sample.result.pauses = collectPauses(pauses, sample.result);
  return sample;
}
