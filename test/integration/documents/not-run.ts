/**
 * Commands of the documents that no test runs, each with its reason. A document marks such a block by `needs=` after its
 * language: ```sh needs=systemd. Rule: the list and the marks are equal, so nobody leaves out a command unseen.
 */

export interface NotRun {
  readonly document: string;
  /** The first line of the block. */
  readonly starts: string;
  readonly needs: string;
  readonly reason: string;
}

/** In the order of the documents' names, then of the blocks. */
export const NOT_RUN: readonly NotRun[] = [
  {
    document: 'docs/migrating.md',
    starts: 'npm install -g --prefix /opt/geartrain geartrain',
    needs: 'root',
    reason: 'installs for the whole machine',
  },
  {
    document: 'docs/migrating.md',
    starts: 'systemctl daemon-reload && systemctl restart gearman-job-server',
    needs: 'systemd',
    reason: 'restarts a service of the machine',
  },
  {
    document: 'docs/migrating.md',
    starts: 'gearmand -q journal --export jobs.jsonl',
    needs: 'sqlite',
    reason:
      'Node.js before 22.13 has no SQLite; test/integration/store moves jobs between all stores',
  },
  {
    document: 'docs/operating.md',
    starts: 'npm install --global geartrain',
    needs: 'root',
    reason: 'installs for the whole machine',
  },
  {
    document: 'docs/operating.md',
    starts:
      'npm install geartrain node-gyp node-addon-api && npm explore geartrain -- npm run build:native',
    needs: 'compiler',
    reason: 'compiles for a minute; test/integration/packaging builds the core',
  },
  {
    document: 'docs/operating.md',
    starts: 'cp "$(npm root -g)/geartrain/src/packaging/geartrain.service" /etc/systemd/system/',
    needs: 'systemd',
    reason: 'changes services of the machine; test/integration/packaging verifies unit and drop-in',
  },
  {
    document: 'docs/operating.md',
    starts: 'mkdir -p /etc/systemd/system/geartrain.service.d',
    needs: 'systemd',
    reason: 'changes services of the machine; test/integration/packaging verifies unit and drop-in',
  },
  {
    document: 'docs/operating.md',
    starts: 'install -d -o gearman /run/gearman /var/log/gearman',
    needs: 'root',
    reason: 'needs root and a user of this name; test/integration/daemon changes users',
  },
  {
    document: 'docs/operating.md',
    starts: 'docker build -f src/packaging/Dockerfile -t geartrain .',
    needs: 'docker',
    reason: 'builds an image from the network',
  },
  {
    document: 'docs/operating.md',
    starts: 'kubectl apply -f geartrain.yaml',
    needs: 'kubernetes',
    reason: 'needs a Kubernetes cluster that may be changed',
  },
  {
    document: 'docs/stores.md',
    starts: 'gearmand -q libsqlite3 --libsqlite3-db /var/lib/jobs.db',
    needs: 'database',
    reason: 'needs a database server; test/integration/store starts each of them',
  },
  {
    document: 'docs/stores.md',
    starts: 'npm install -g @redis/client@6.3.1',
    needs: 'database',
    reason:
      'installs for the whole machine and needs Redis and memcached; test/integration/store starts both',
  },
];
