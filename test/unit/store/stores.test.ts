import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFiles } from '../../../src/store/file-system.ts';
import { Journal } from '../../../src/store/journal/journal.ts';
import { NoStore } from '../../../src/store/no-store.ts';
import { requirePeer } from '../../support/peers.ts';
import { databasePlace } from '../../support/store/database-place.ts';
import { storeSuite } from '../../support/store-suite.ts';

storeSuite({
  name: 'the do-nothing twin',
  keepsJobs: false,
  keepsReducers: true,
  keepsBinaryUniques: true,
  place: () => ({ open: (host) => new NoStore(host), remove: () => {} }),
});

for (const relaxedMs of [null, 5]) {
  storeSuite({
    name: `the journal, ${relaxedMs === null ? 'synced' : 'relaxed'}`,
    keepsJobs: true,
    keepsReducers: true,
    keepsBinaryUniques: true,
    place: () => {
      const folder = mkdtempSync(join(tmpdir(), 'geartrain-journal-'));
      const options = { files: nodeFiles, folder, shard: 1, salt: 99, relaxedMs };
      return {
        open: (host) => new Journal({ ...options, segmentBytes: 1 << 18 }, host),
        remove: () => rmSync(folder, { recursive: true, force: true }),
      };
    },
  });
}

for (const relaxedMs of requirePeer('sqlite') ? [null, 5] : []) {
  storeSuite({
    name: `libsqlite3, ${relaxedMs === null ? 'synced' : 'relaxed'}`,
    keepsJobs: true,
    keepsReducers: false,
    keepsBinaryUniques: true,
    place: () => {
      const folder = mkdtempSync(join(tmpdir(), 'geartrain-sqlite-'));
      const file = join(folder, 'jobs.db');
      const settings = { type: 'libsqlite3', file, table: 'gearman_queue' } as const;
      return databasePlace(settings, relaxedMs, () =>
        rmSync(folder, { recursive: true, force: true }),
      );
    },
  });
}
