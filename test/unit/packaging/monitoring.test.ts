/** What the package brings for Prometheus and Grafana: it names metrics that there are, and both would take it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OWN_METRICS } from '../../../src/packaging/metrics-table.ts';
import { requirePeer } from '../../support/peers.ts';

const file = (path: string): string => new URL(`../../../${path}`, import.meta.url).pathname;
const ALERTS = file('src/packaging/prometheus-alerts.yml');
const alerts = readFileSync(ALERTS, 'utf8');

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number };
}
const dashboard = JSON.parse(
  readFileSync(file('src/packaging/grafana-dashboard.json'), 'utf8'),
) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
};

/** Names of samples: those of a histogram and a summary have endings. */
function sampleNames(): Set<string> {
  const names = new Set<string>();
  for (const { name, type } of OWN_METRICS) {
    if (type !== 'summary' && type !== 'histogram') names.add(name);
    else for (const end of ['_sum', '_count']) names.add(name + end);
    if (type === 'histogram') names.add(`${name}_bucket`);
  }
  const register = new Registry();
  collectDefaultMetrics({ register });
  for (const { name } of register.getMetricsAsArray()) names.add(name);
  return names;
}

/** Metrics that a text names and that there are not. */
function unknownIn(text: string): string[] {
  const known = sampleNames();
  const named = text.match(/\b(?:geartrain|process|nodejs)_[a-z_]+/g) ?? [];
  return [...new Set(named)].filter((name) => !known.has(name));
}

it('finds names of metrics that there are not', () => {
  expect(
    unknownIn('geartrain_jobs{a="b"} + geartrain_job_wait_seconds > process_resident_memory_bytes'),
  ).toEqual(['geartrain_jobs', 'geartrain_job_wait_seconds']);
});

describe('the alerting rules', () => {
  it('name metrics that there are, and a remedy each', () => {
    const count = (pattern: RegExp): number => alerts.match(pattern)?.length ?? 0;
    expect(unknownIn(alerts)).toEqual([]);
    const names = [...alerts.matchAll(/- alert: (\w+)$/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(5);
    expect(new Set(names).size).toBe(names.length);
    expect(count(/^ {10}summary: /gm)).toBe(names.length);
    expect(count(/^ {10}remedy: /gm)).toBe(names.length);
  });

  it.skipIf(!requirePeer('promtool'))('are accepted by promtool', () => {
    const { status, stderr } = spawnSync('promtool', ['check', 'rules', '--lint=all', ALERTS], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });

  it.skipIf(!requirePeer('promtool'))('fire when they should, and not before', () => {
    const path = file('test/fixtures/prometheus-alerts-test.yml');
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', path], {
      encoding: 'utf8',
    });
    expect([status, stdout + stderr]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });
});

describe('the dashboard', () => {
  const { panels, templating } = dashboard;
  const targets = panels.flatMap((panel) => panel.targets ?? []);
  const expressions = targets.map(({ expr }) => expr);

  it('has panels with ids of their own, inside of the 24 columns', () => {
    expect(panels.length).toBeGreaterThan(10);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    const places = panels.map(({ gridPos }) => `${gridPos.x},${gridPos.y}`);
    expect(new Set(places).size).toBe(panels.length);
  });

  it('asks for metrics that there are, and for variables that it has', () => {
    expect(unknownIn(expressions.join('\n'))).toEqual([]);
    for (const panel of panels)
      if (panel.type !== 'row') expect(panel.targets, String(panel.id)).not.toEqual([]);
    const known = new Set(['__rate_interval', ...templating.list.map(({ name }) => name)]);
    const used = JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g);
    expect([...used].map(([, name]) => name as string).filter((name) => !known.has(name))).toEqual([
      '__all',
      '__all',
    ]);
  });

  it.skipIf(!requirePeer('promtool'))('has expressions that Prometheus reads', () => {
    const rules = expressions.map((expr, i) => {
      const filled = expr.replaceAll('$__rate_interval', '5m').replace(/\$\w+/g, '.*');
      return `  - record: panel_${i}\n    expr: ${JSON.stringify(filled)}\n`;
    });
    const text = `groups:\n- name: panels\n  rules:\n${rules.join('')}`;
    const folder = mkdtempSync(join(tmpdir(), 'geartrain-panels-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'panels.yml'), text);
    const { status, stderr } = spawnSync('promtool', ['check', 'rules', 'panels.yml'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });
});
