// The rounds of a trial: its servers one after the other in alternating order, again and again.
// Rule: a round whose yardstick is off the median was disturbed from outside; it is played again at
// most three times, and the disturbed one is kept aside, never thrown away.
import { play } from './play.mjs';
import { costUs, disturbedFrom, median } from './report/summary.mjs';
import { nameInTrials } from './servers.mjs';

const offFrom = 0.1;
const againMax = 3;
/** Servers that are there for comparison only, `others` of a trial, play the first rounds alone. */
const roundsOfOthers = 2;
/** Servers that need minutes for a trial. */
const roundsOfSlow = 1;

const foreign = (sample) => sample.result?.server?.foreignBusy ?? 0;

async function playPatiently(trial, server, context) {
  let sample = await play(trial, server, context);
  for (let again = 0; again < againMax; again++) {
    if (context.patience <= 0 || foreign(sample) <= disturbedFrom) break;
    const other = await play(trial, server, context);
    if (foreign(other) < foreign(sample)) sample = other;
  }
  return sample;
}

function roundsMaxOf(trial, server) {
  if (trial.slow?.includes(server.name)) return roundsOfSlow;
  if (trial.others?.includes(nameInTrials(server))) return roundsOfOthers;
  return Number.POSITIVE_INFINITY;
}

async function playRound(trial, servers, context, round) {
  const samples = [];
  const playing = servers.filter((server) => round <= roundsMaxOf(trial, server));
  for (const server of round % 2 === 1 ? playing : playing.reverse()) {
    if (context.isOver()) {
      context.leave(trial, server, round);
      continue;
    }
    const sample = { round, ...(await playPatiently(trial, server, context)) };
    context.say(sample);
    samples.push(sample);
  }
  return samples;
}

const yardstickOf = (samples) => samples.find((s) => s.server === 'yardstick' && s.result);

/** Index of a round whose yardstick is too far from the median of all, or -1. */
export function disturbedRound(rounds) {
  const middle = median(rounds.map(yardstickOf).filter(Boolean).map(costUs));
  return rounds.findIndex((samples) => {
    const sample = yardstickOf(samples);
    return sample !== undefined && Math.abs(costUs(sample) / middle - 1) > offFrom;
  });
}

/**
 * Plays so many rounds, fewer when `mayGoOn()` says no after the first one. Answers the samples
 * that count, those of rounds that were replaced, and how many rounds there were.
 */
export async function playRounds(trial, servers, context, count, mayGoOn) {
  const kept = [];
  for (let round = 1; round <= count && (round === 1 || mayGoOn()); round++) {
    kept.push(await playRound(trial, servers, context, round));
  }
  const replaced = [];
  for (let again = 0; again < againMax && kept.length >= 3 && mayGoOn(); again++) {
    const off = disturbedRound(kept);
    if (off < 0) break;
    context.note(`round ${off + 1} again: its yardstick is more than 10% off the median`);
    replaced.push(...kept[off]);
    kept[off] = await playRound(trial, servers, context, off + 1);
  }
  return { samples: kept.flat(), replaced, rounds: kept.length };
}
