/** Refused and dropped connections: all counted, few logged, none forgotten. */
import { expect, it } from 'vitest';
import { Incident, Incidents } from '../../../src/session/incidents.ts';

function setup() {
  const lines: string[] = [];
  const incidents = new Incidents({ level: 7, log: (_level, text) => void lines.push(text) });
  return { lines, incidents };
}

it('logs a reason at once, then at most once a second with the number of those in between', () => {
  const { lines, incidents } = setup();
  incidents.nowMs = 5000;
  for (let n = 1; n <= 1000; n++) incidents.report(Incident.malformed, `close ${n}`);
  expect(lines).toEqual(['close 1']);
  expect(incidents.counts()).toEqual({ malformed: 1000 });
  incidents.nowMs = 5999;
  expect(incidents.tick()).toBe(6000);
  incidents.nowMs = 6000;
  expect(incidents.tick()).toBe(Number.POSITIVE_INFINITY);
  expect(lines).toEqual(['close 1', 'close 1000 (and 998 more of this kind since the last line)']);
});

it('keeps reasons apart', () => {
  const { lines, incidents } = setup();
  incidents.report(Incident.malformed, 'a');
  incidents.report(Incident.outputLimit, 'b');
  expect(lines).toEqual(['a', 'b']);
  expect(incidents.counts()).toEqual({ malformed: 1, output_limit: 1 });
});

it('has nothing due when all has been said', () => {
  const { incidents } = setup();
  expect(incidents.tick()).toBe(Number.POSITIVE_INFINITY);
  incidents.report(Incident.dropped, 'a');
  expect(incidents.tick()).toBe(Number.POSITIVE_INFINITY);
});
