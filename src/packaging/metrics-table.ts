/** The tables of docs/metrics.md: all metrics of our own, and the alerts of prometheus-alerts.yml. */
import { FUNCTION_METRICS } from '../http/function-metrics.ts';
import type { MetricFacts } from '../http/metric-values.ts';
import { STORE_METRICS } from '../http/store-metrics.ts';
import { INFO, THREAD_METRICS } from '../http/thread-metrics.ts';
import { markdownTable } from './markdown-table.ts';

const GROUPS: readonly (readonly [title: string, metrics: readonly MetricFacts[]])[] = [
  ['Functions', FUNCTION_METRICS],
  ['The server and its threads', [INFO, ...THREAD_METRICS]],
  ['Stores of background jobs', STORE_METRICS],
];

/** All metrics except those of the process, which prom-client adds. */
export const OWN_METRICS: readonly MetricFacts[] = GROUPS.flatMap(([, metrics]) => metrics);

function code(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(', ');
}

/** Markdown: a heading and a table for each group. Ends with a line end. */
export function renderMetricsTables(): string {
  return GROUPS.map(([title, metrics]) => {
    const rows = metrics.map(({ name, type, labels, help }) => [
      code([name]),
      type,
      code(labels),
      help.replace(/\.$/, ''),
    ]);
    return `## ${title}\n\n${markdownTable(['metric', 'type', 'labels', 'meaning'], rows)}`;
  }).join('\n');
}

/** Markdown: a table of the alerts in the text of a file of rules, as ours is written. */
export function renderAlertsTable(rules: string): string {
  const value = (block: string, key: string): string =>
    new RegExp(`^ +${key}: (.*)$`, 'm').exec(block)?.[1]?.replace(/^"(.*)"$/, '$1') ?? '';
  const rows = rules
    .split(/^ +- alert: /m)
    .slice(1)
    .map((block) => [
      code([block.slice(0, block.indexOf('\n'))]),
      value(block, 'severity'),
      value(block, 'for'),
      value(block, 'summary').replace(/\{\{ (.*?) \}\}/g, (_, word: string) => inWords(word)),
      value(block, 'remedy'),
    ]);
  return markdownTable(['alert', 'severity', 'for', 'fires when', 'remedy'], rows);
}

/** A template of Prometheus in words for readers: `$labels.function` becomes FUNCTION. */
function inWords(template: string): string {
  return (/\$labels\.(\w+)/.exec(template)?.[1] ?? 'n').toUpperCase();
}
