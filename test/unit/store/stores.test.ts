import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { keepsRunsOf } from '../../../src/store/database/kinds.ts';
import { nodeFiles } from '../../../src/store/file-system.ts';
import { Journal } from '../../../src/store/journal/journal.ts';
import { databaseAddress } from '../../support/store/database-address.ts';
import { DATABASES, type Database } from '../../support/store/databases.ts';
import { NoStore } from '../../support/store/no-store.ts';
import { storeSuite } from '../../support/store-suite.ts';

storeSuite({
  name: 'the store that keeps nothing',
  keepsJobs: false,
  keepsReducers: true,
  keepsBinaryUniques: true,
  keepsRuns: true,
  place: () => ({ open: (host) => new NoStore(host), remove: () => {} }),
});

for (const relaxedMs of [null, 5]) {
  storeSuite({
    name: `the journal, ${relaxedMs === null ? 'synced' : 'relaxed'}`,
    keepsJobs: true,
    keepsReducers: true,
    keepsBinaryUniques: true,
    keepsRuns: true,
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

for (const kind of DATABASES)
  describe.skipIf(!kind.isThere())(kind.name, () => {
    let database: Database;
    let tables = 0;
    beforeAll(async () => {
      database = await kind.start();
    }, 120_000);
    afterAll(() => database.close());

    for (const relaxedMs of [null, 5])
      storeSuite({
        name: `${kind.name}, ${relaxedMs === null ? 'synced' : 'relaxed'}`,
        keepsJobs: true,
        keepsReducers: false,
        keepsBinaryUniques: kind.keepsBinaryUniques,
        keepsRuns: keepsRunsOf(kind.name),
        place: () => databaseAddress(database.settings(`queue_${++tables}`), relaxedMs, () => {}),
      });
  });
