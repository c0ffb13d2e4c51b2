// The report as one HTML file that opens from disk: tables, plots, and everything a reader must know
// to doubt a figure. Rule: nothing is loaded from elsewhere; text from outside is escaped.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { count, figure, spread } from './format.mjs';
import { colourOf, plotsOf } from './plots.mjs';
import { costUs } from './summary.mjs';
import { columns } from './table.mjs';

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

function uPlotFile(name) {
  const folder = dirname(createRequire(import.meta.url).resolve('uplot'));
  return readFileSync(join(folder, name), 'utf8');
}

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => entities[c]);

const row = (cells, tag = 'td', attributes = '') =>
  `<tr${attributes}>${cells
    .map(([text, kind]) => `<${tag}${kind ? ` class="${kind}"` : ''}>${text}</${tag}>`)
    .join('')}</tr>`;

function factsTable({ machine, options, seconds }) {
  const facts = { ...machine, options, 'duration of the run': `${(seconds / 60).toFixed(1)} min` };
  const lines = Object.entries(facts).map(([name, value]) =>
    row([
      [escaped(name), 'word'],
      [escaped(typeof value === 'object' ? JSON.stringify(value) : value), 'word'],
    ]),
  );
  return `<table class="facts">${lines.join('')}</table>`;
}

function targetsTable(targets) {
  if (targets.length === 0) return '';
  const lines = targets.map(({ about, must, aim, measured, verdict }) => {
    const kind = verdict.startsWith('FALLS') ? 'short' : 'holds';
    return row([
      [escaped(about), 'word'],
      ...[[must], [aim], [escaped(measured)], [escaped(verdict), `word ${kind}`]],
    ]);
  });
  const head = row([['target', 'word'], ['must'], ['aim'], ['measured'], ['', 'word']], 'th');
  return `<h2>What the project set out to reach</h2><table>${head}${lines.join('')}</table>`;
}

/** Every sample as a dot, on one scale for all servers of the trial. */
function strip(samples, maxUs, colour) {
  const width = 180;
  const dots = samples.map((sample) => {
    const x = 4 + ((width - 8) * costUs(sample)) / maxUs;
    const title = `round ${sample.round}: ${figure(costUs(sample))} us`;
    return `<circle cx="${x.toFixed(1)}" cy="7" r="3.5" fill="${colour}" fill-opacity="0.6"><title>${title}</title></circle>`;
  });
  const line = `<line x1="4" x2="${width - 4}" y1="7" y2="7" stroke="#d5dae3"/>`;
  return `<svg width="${width}" height="14">${line}${dots.join('')}</svg>`;
}

function trialSection(trial, report, names) {
  const rows = report.rows.filter((candidate) => candidate.trial === trial.name);
  const played = report.samples.filter((s) => s.trial === trial.name && s.result);
  const maxUs = Math.max(...played.map(costUs));
  const shown = columns.slice(1);
  const head = row(
    [
      ...shown.slice(0, -1).map(([title], i) => [title, i === 0 ? 'word' : '']),
      [`samples, 0 to ${figure(maxUs)} us`, 'word'],
      ['', 'word'],
    ],
    'th',
  );
  const lines = rows.map((line) => {
    const colour = colourOf(line.server, names);
    const texts = shown.map(([, text]) => escaped(text(line)));
    const [server, ...figures] = texts.slice(0, -1);
    const samples = played.filter((sample) => sample.server === line.server);
    return row(
      [
        [`<span class="swatch" style="background:${colour}"></span>${server}`, 'word'],
        ...figures.map((text) => [text]),
        [strip(samples, maxUs, colour), 'word'],
        [texts.at(-1), 'remark'],
      ],
      'td',
      line.server === 'geartrain' ? ' class="ours"' : '',
    );
  });
  const rounds =
    trial.rounds < trial.roundsWanted
      ? `${trial.rounds} of ${trial.roundsWanted} rounds, for want of time`
      : `${trial.rounds} ${trial.rounds === 1 ? 'round' : 'rounds'}`;
  const replaced = report.replaced.filter((sample) => sample.trial === trial.name);
  const again = new Set(replaced.map((sample) => sample.round)).size;
  const notes = `${rounds}${again ? `, ${again} of them played again because the yardstick was off` : ''}`;
  return `<h3 id="trial-${escaped(trial.name)}">${escaped(trial.name)}</h3>
<p>${escaped(trial.about)} <small>(${escaped(notes)})</small></p>
<table>${head}${lines.join('')}</table>`;
}

/** Trials that another server than ours wins, from the greatest distance on. */
function behindSection(rows) {
  const behind = rows
    .filter((line) => line.server === 'geartrain' && line.ratio?.value < 1)
    .sort((a, b) => a.ratio.value - b.ratio.value);
  const list = behind.map(
    (line) =>
      `<li><a href="#trial-${escaped(line.trial)}">${escaped(line.trial)}</a>: ${escaped(
        `${line.reference} / geartrain ${spread(line.ratio)}`,
      )}</li>`,
  );
  const text = list.length
    ? `<ul>${list.join('')}</ul>`
    : '<p>In no trial of this run, going by CPU time per job.</p>';
  return `<h2>Where the C gearmand is ahead</h2>${text}`;
}

const reading = `<p>The figure that compares servers is the <b>CPU time that the server needs for a job</b>, user and
system, all threads. Each sample has a fresh server and a fresh load generator; servers are played one after the other
in every round, in alternating order, each warmed by jobs that are not counted. Figures are medians over the rounds;
ratios are of medians, with the least and the greatest of single rounds behind them. The <b>yardstick</b> is a bare C
broker without features: it is not a job server, and shows what sockets and kernel alone cost. <b>disturbed</b> is the
part of a core that other programs took meanwhile: compare only within a trial, and trust disturbed figures little.
Rates depend on the load generator too; where it was the limit, the row says so.</p>`;

/** The report as text of an HTML file. */
export function page(report) {
  const plots = plotsOf(report.rows);
  const names = [...new Set(report.rows.map((line) => line.server))];
  const failed = report.samples.filter((sample) => sample.error).length;
  const isShort = report.options.scale < 1;
  const short = isShort
    ? `<p class="short">A short run: ${report.options.scale} of the counts, ${report.options.rounds} round(s). Look at it to see that things work, not to compare.</p>`
    : '';
  const left = report.left?.length
    ? `<p class="short">Not played, for want of time: ${escaped(report.left.join('; '))}.</p>`
    : '';
  const servers = report.servers.filter(({ name }) => names.includes(name));
  const figures = JSON.stringify({ plots }).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>geartrain benchmark ${escaped(report.machine.time)}</title>
<style>${uPlotFile('uPlot.min.css')}${read('page.css')}</style>
</head>
<body>
<h1>Gearman job servers, measured side by side</h1>
<p class="quiet">${escaped(report.machine.time)}, ${escaped(report.machine.cpu)}, ${report.machine.cores} cores;
${count(report.samples.length)} samples, ${failed} failed, ${report.replaced.length} replaced</p>
${short}${left}${reading}
<ul>${servers.map(({ name, about }) => `<li><b>${escaped(name)}</b>: ${escaped(about)}</li>`).join('')}</ul>
${targetsTable(report.targets)}
${behindSection(report.rows)}
<h2>Plots</h2>
<div class="plots">${plots
    .map(
      ({ id, title, about }) =>
        `<div class="plot"><h3>${escaped(title)}</h3><p class="quiet">${escaped(about)}</p><div id="${id}"></div></div>`,
    )
    .join('')}</div>
<h2>All trials</h2>
${report.trials.map((trial) => trialSection(trial, report, names)).join('\n')}
<h2>Machine, versions, options</h2>
${factsTable(report)}
<script id="figures" type="application/json">${figures}</script>
<script>${uPlotFile('uPlot.iife.min.js')}</script>
<script>${read('page.js')}</script>
</body>
</html>
`;
}
