/**
 * The layers of the source tree: a file imports its own folder and lower levels only; folders of one level do not
 * import each other; pure folders import nothing of Node.
 */
const LEVELS = [
  ['base'],
  ['option'],
  ['protocol'],
  ['policy'],
  ['native', 'ring', 'store'],
  ['broker'],
  ['session'],
  ['transport', 'admin', 'cluster'],
  ['shard', 'link'],
  ['http'],
  ['server'],
  ['client', 'worker'],
  ['cli'],
  ['packaging'],
  ['dashboard'],
];
const PURE = ['base', 'protocol', 'policy', 'broker', 'session', 'admin', 'cluster'];
/** What is started or loaded from outside of src; everything else is imported by one of them. */
const ENTRIES = [
  'index',
  'cli/(gearmand|gearman|gearadmin)',
  // Threads.
  'shard/thread',
  'store/database/thread',
  '(shard|worker)/thread-start',
  'packaging/(write-man|health-check)',
  // What tests compare with checked-in files, and write anew when asked to.
  'packaging/(server-options-text|option-tables|metrics-table|api-tables)',
  // The program of the browser, and what bundles it.
  'dashboard/(main|build)',
  // The machines of a cluster have no server yet: only the simulation of test/sim/cluster plays them.
  'cluster/(bucket|home-jobs|lease|link|names)',
  // Benches.
  'transport/socketless-decoder',
];
const entryPath = `^src/(${ENTRIES.join('|')})\\.(c?ts|tsx|mjs)$`;

const forbidden = [
  {
    name: 'no-circular',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'pure-folders-need-nothing-of-node',
    severity: 'error',
    from: { path: `^src/(${PURE.join('|')})/` },
    to: { dependencyTypes: ['core', 'npm', 'npm-dev'] },
  },
  {
    name: 'every-module-is-reachable-from-an-entry',
    severity: 'error',
    from: { path: entryPath },
    to: { path: '^src/', pathNot: entryPath, reachable: false },
  },
];
// It runs in a browser: of the rest it may know the shapes of the API, and nothing at run time.
forbidden.push({
  name: 'dashboard-imports-types-of-the-api-only',
  severity: 'error',
  from: { path: '^src/dashboard/' },
  to: { path: '^src/', pathNot: '^src/(dashboard|http/api)/' },
});
forbidden.push({
  name: 'dashboard-imports-nothing-of-the-api-at-run-time',
  severity: 'error',
  from: { path: '^src/dashboard/' },
  to: { path: '^src/http/', dependencyTypesNot: ['type-only'] },
});
for (const [level, folders] of LEVELS.entries()) {
  for (const folder of folders) {
    const same = folders.filter((other) => other !== folder);
    const higher = [...same, ...LEVELS.slice(level + 1).flat()];
    // The contract is types only: whoever builds a reactor or uses one shares it.
    if (higher.length === 0) continue;
    forbidden.push({
      name: `${folder}-imports-lower-levels-only`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: `^src/(${higher.join('|')})/` },
    });
  }
}

module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.js'] },
  },
};
