/**
 * The smoke part of the tests and those of TLS on other Node versions: `npm run test:nodes [-- 22 24]`. Each comes
 * from the npm package `node`; the addon is the one already built, as for users of a prebuilt one. NODES_JSON names a
 * folder for the counts, `node-VERSION.json`.
 */
import { spawnSync } from 'node:child_process';

const versions = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24', '26'];
const stranger = versions.find((version) => !/^\d+(\.\d+)*$/.test(version));
if (stranger !== undefined) {
  console.error(
    `usage: npm run test:nodes [-- VERSION ...], as 22 or 24.1.0; not a version: ${stranger}`,
  );
  process.exit(2);
}
const parts = [
  ['node', 'examples/demo.mjs'],
  [
    'node',
    'node_modules/vitest/vitest.mjs',
    'run',
    'test/parity',
    'test/unit/native',
    'test/unit/store/stores.test.ts',
    'test/dialogues',
    'test/integration/wire/beyond-dialogues.test.ts',
    // Verdicts on handshakes and certificates lean on what node:tls does not document.
    'test/integration/tls',
    'test/integration/control/control-tls.test.ts',
  ],
];

for (const version of versions) {
  for (const part of parts) {
    console.log(`node ${version}: ${part.slice(1).join(' ')}`);
    const counts = `--outputFile.json=${process.env.NODES_JSON}/node-${version}.json`;
    const isCounted = process.env.NODES_JSON !== undefined && part.includes('run');
    const reporters = isCounted ? ['--reporter=default', '--reporter=json', counts] : [];
    const words = ['--yes', '-p', `node@${version}`, ...part, ...reporters];
    const { status } = spawnSync('npx', words, {
      stdio: 'inherit',
    });
    if (status !== 0) {
      console.error(`node ${version}: failed`);
      process.exit(1);
    }
  }
}
console.log(`passed on node ${versions.join(' and ')}`);
