/** Invocations of `gearman` that are compared with the C tool. */
import type { Invocation } from './invocation.ts';
import type { BehaviourName, World } from './world.ts';

type Row = Omit<Invocation, 'tool'>;

const works =
  (functions: Readonly<Record<string, BehaviourName>>) =>
  (world: World): Promise<void> =>
    world.work(functions);

const cat = works({ cat: 'cat' });

/** Jobs that wait for the worker under test. */
const waiting =
  (functionName: string, ...workloads: readonly string[]) =>
  async (world: World): Promise<void> => {
    for (const workload of workloads) await world.wait(functionName, workload);
  };

const CLIENT: readonly Row[] = [
  { title: 'a word', words: ['-f', 'cat', 'hello'], setup: cat },
  { title: 'several words', words: ['-f', 'cat', 'a', 'b', 'c'], setup: cat },
  { title: 'standard input', words: ['-f', 'cat'], stdin: 'a\nb\nc', setup: cat },
  {
    title: 'standard input with every byte',
    words: ['-f', 'cat'],
    stdin: Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join(''),
    setup: cat,
  },
  { title: 'empty standard input', words: ['-f', 'cat'], setup: cat },
  {
    title: 'words win over standard input',
    words: ['-f', 'cat', 'word'],
    stdin: 'input',
    setup: cat,
  },
  { title: 'without input', words: ['-f', 'cat', '-s'], stdin: 'input', setup: cat },
  { title: 'without input, with a word', words: ['-s', '-f', 'cat', 'word'], setup: cat },
  { title: 'lines', words: ['-f', 'cat', '-n'], stdin: 'one\ntwo\n\nlast', setup: cat },
  {
    title: 'lines without their ends',
    words: ['-f', 'cat', '-N'],
    stdin: 'one\ntwo\n',
    setup: cat,
  },
  {
    title: 'an empty line without its end',
    words: ['-f', 'cat', '-N', '-P'],
    stdin: '\n',
    setup: cat,
    differences: ['empty workloads'],
    stdout: 'cat: ',
    heard: ['worker got cat ""'],
  },
  {
    title: 'lines without their ends, the last has none',
    words: ['-N', '-f', 'cat'],
    stdin: 'one\ntwo',
    setup: cat,
    differences: ['the last line'],
    stdout: 'onetwo',
    heard: ['worker got cat "one"', 'worker got cat "two"'],
  },
  { title: 'no line', words: ['-n', '-f', 'cat', '-P'], setup: cat },
  {
    title: 'a line with a NUL',
    words: ['-n', '-f', 'cat'],
    stdin: 'a\0b\nc\n',
    setup: cat,
    differences: ['NUL in lines'],
    stdout: 'a\0b\nc\n',
    heard: ['worker got cat "a\\u0000b\\n"', 'worker got cat "c\\n"'],
  },
  {
    title: 'a long line',
    words: ['-n', '-f', 'cat', '-P'],
    stdin: `${'x'.repeat(9000)}\n`,
    setup: cat,
    differences: ['long lines'],
    stdout: `cat: ${'x'.repeat(9000)}\n`,
    heard: [`worker got cat "${'x'.repeat(9000)}\\n"`],
  },
  { title: 'prefix', words: ['-f', 'cat', '-P', 'a', 'b'], setup: cat },
  { title: 'prefix of an empty result', words: ['-f', 'cat', '-P'], setup: cat },
  {
    title: 'two functions',
    words: ['-f', 'cat', '-f', 'upper', '-P', 'x'],
    setup: works({ cat: 'cat', upper: 'upper' }),
    pieces: ['cat: x', 'upper: X'],
  },
  { title: 'pieces', words: ['-f', 'pieces', 'x'], setup: works({ pieces: 'pieces' }) },
  {
    title: 'pieces with prefix',
    words: ['-f', 'pieces', '-P', 'x'],
    setup: works({ pieces: 'pieces' }),
  },
  { title: 'a warning', words: ['-f', 'warn', 'x'], setup: works({ warn: 'warn' }) },
  {
    title: 'a warning with prefix',
    words: ['-f', 'warn', '-P', 'x'],
    setup: works({ warn: 'warn' }),
  },
  {
    title: 'status',
    words: ['-f', 'progress', 'x'],
    setup: works({ progress: 'progress' }),
    differences: ['order of output'],
    stdout: '25% Complete\n50% Complete\ndone',
  },
  {
    title: 'status with prefix',
    words: ['-f', 'progress', '-P', 'x'],
    setup: works({ progress: 'progress' }),
  },
  { title: 'a job that fails', words: ['-f', 'fail', 'x'], setup: works({ fail: 'fail' }) },
  {
    title: 'a job that fails, with prefix',
    words: ['-f', 'fail', '-P', 'x', 'y'],
    setup: works({ fail: 'fail' }),
  },
  {
    title: 'a job that fails halfway',
    words: ['-f', 'halfway', 'x'],
    setup: works({ halfway: 'halfway' }),
  },
  {
    title: 'one that fails among others',
    words: ['-f', 'fail', '-f', 'cat', 'x'],
    setup: works({ fail: 'fail', cat: 'cat' }),
    pieces: ['x'],
  },
  { title: 'the handle, then the result', words: ['-f', 'cat', '-v', '-P', 'x'], setup: cat },
  {
    title: 'the handle and raw output',
    words: ['-f', 'cat', '-v', 'x'],
    setup: cat,
    differences: ['order of output'],
    stdout: 'Task created: HANDLE\nx',
  },
  {
    title: 'a job with an exception',
    words: ['-f', 'broken', '-t', '1000', 'x'],
    setup: works({ broken: 'exception' }),
    worlds: ['gearmand'],
    differences: ['exceptions'],
    stdout: '',
    says: /^what went wrong\nJob failed\n$/,
  },
  { title: 'background', words: ['-f', 'later', '-b', 'x'] },
  { title: 'background with handle', words: ['-f', 'later', '-b', '-v', 'x'] },
  { title: 'background, joined options', words: ['-bvf', 'later', 'x'] },
  { title: 'background, options behind words', words: ['x', '-f', 'later', '-b', '-v', 'y'] },
  { title: 'background, a word behind --', words: ['-b', '-v', '-f', 'later', '--', '-v'] },
  { title: 'background, standard input', words: ['-b', '-f', 'later'], stdin: 'a\nb\n' },
  { title: 'background, lines', words: ['-b', '-n', '-v', '-f', 'later'], stdin: 'a\nb\nc' },
  {
    title: 'background, several functions',
    words: ['-b', '-v', '-f', 'one', '-f', 'two', 'x', 'y'],
  },
  { title: 'background, a function twice', words: ['-b', '-v', '-f', 'one', '-f', 'one', 'x'] },
  { title: 'high', words: ['-b', '-I', '-f', 'later', 'x'] },
  { title: 'low', words: ['-b', '-L', '-f', 'later', 'x'] },
  { title: 'low and high', words: ['-b', '-L', '-I', '-f', 'later', 'x'] },
  { title: 'high and low', words: ['-b', '-I', '-L', '-f', 'later', 'x'] },
  { title: 'a unique key', words: ['-b', '-v', '-u', 'key', '-f', 'later', 'x'] },
  { title: 'a unique key of two jobs', words: ['-b', '-v', '-u', 'key', '-f', 'later', 'x', 'y'] },
  { title: 'a unique key made of the workload', words: ['-b', '-u', '#', '-f', 'later', 'x'] },
  {
    title: 'unique keys made of workloads of all lengths',
    words: ['-b', '-n', '-u', '#', '-f', 'later'],
    stdin: 'a\nab\nabc\nabcd\nabcde\nabcdef\n\xe4\xf6\xfc\xff\n',
  },
  { title: 'a unique key that is the workload', words: ['-b', '-u', '-', '-f', 'later', 'x'] },
  {
    title: 'a number twice, the last counts',
    words: ['-p', '1', '-p', '{port}', '-b', '-v', '-f', 'later', 'x'],
  },
  {
    title: 'servers of the environment',
    words: ['-h', '127.0.0.1', '-p', '1', '-b', '-v', '-f', 'later', 'x'],
    isPlaced: false,
    env: { GEARMAN_SERVER: '127.0.0.1:{port}' },
  },
  {
    title: 'further servers of the environment',
    words: ['-h', '127.0.0.1', '-p', '{port}', '-b', '-v', '-f', 'later', 'x'],
    isPlaced: false,
    env: { GEARMAN_SERVERS: '127.0.0.1:{port}' },
  },
  { title: 'a pid file', words: ['-i', '{folder}/pid', '-b', '-v', '-f', 'later', 'x'] },
  {
    title: 'a pid file that cannot be',
    words: ['-i', '/no/such/folder/pid', '-b', '-f', 'later', 'x'],
    differences: ['own messages'],
    says: /option --pid-file: write \/no\/such\/folder\/pid: .*ENOENT/,
  },
  {
    title: 'an empty word',
    words: ['-f', 'cat', '-P', ''],
    setup: cat,
    differences: ['empty workloads'],
    stdout: 'cat: ',
    heard: ['worker got cat ""'],
  },
  {
    title: 'a time that is over',
    words: ['-f', 'nobody', '-t', '1000', 'x'],
    differences: ['exit status', 'own messages'],
    says: /^gearman: nobody: no answer within 1000 ms, no worker offers "nobody" at 127\.0\.0\.1:PORT\n$/,
  },
  {
    title: 'a time that is over, and further words',
    words: ['-f', 'slow', '-t', '1000', 'x', 'y'],
    setup: works({ slow: 'sleep' }),
    differences: ['exit status', 'own messages'],
    says: /^(gearman: slow: no answer within 1000 ms\n){2}$/,
  },
  {
    title: 'a full queue, background',
    words: ['-b', '-f', 'full', 'x'],
    setup: full,
    differences: ['exit status', 'own messages'],
    says: /^gearman: full: .*QUEUE_ERROR Job queue is full\n$/,
  },
  {
    title: 'a full queue',
    words: ['-f', 'full', 'x'],
    setup: full,
    differences: ['exit status', 'own messages'],
    says: /^gearman: full: .*QUEUE_ERROR Job queue is full\n$/,
  },
  {
    title: 'no server',
    words: ['-f', 'cat', 'x'],
    worlds: ['nobody'],
    differences: ['exit status', 'own messages'],
    says: /^gearman: connect to 127\.0\.0\.1:PORT: no job server listens there \(ECONNREFUSED\)\n$/,
  },
  {
    title: 'no server, background',
    words: ['-f', 'cat', '-b', 'x'],
    worlds: ['nobody'],
    differences: ['exit status', 'own messages'],
    says: /no job server listens there/,
  },
  {
    title: 'no such host',
    words: ['-h', 'no.such.host.invalid', '-f', 'cat', 'x'],
    isPlaced: false,
    worlds: ['nobody'],
    differences: ['exit status', 'own messages'],
    says: /connect to no\.such\.host\.invalid:4730: .*\(E/,
  },
  {
    title: 'no function',
    words: ['x'],
    worlds: ['nobody'],
    differences: ['own usage'],
    says: /no function: name one with -f/,
  },
  {
    title: 'nothing at all',
    words: [],
    isPlaced: false,
    worlds: ['nobody'],
    differences: ['own usage'],
    says: /no function/,
  },
  {
    title: 'an unknown option',
    words: ['-f', 'cat', '-x'],
    worlds: ['nobody'],
    differences: ['own usage'],
    says: /unknown option "-x"/,
  },
  {
    title: 'an unknown option among joined ones',
    words: ['-f', 'cat', '-bz'],
    worlds: ['nobody'],
    differences: ['own usage'],
    says: /unknown option "-z"/,
  },
  {
    title: 'a missing value',
    words: ['-f'],
    worlds: ['nobody'],
    differences: ['own usage'],
    says: /argument missing/,
  },
  {
    title: 'help',
    words: ['-H'],
    worlds: ['nobody'],
    differences: ['own help'],
    says: /Exit status:/,
  },
  {
    title: 'help among others',
    words: ['-f', 'cat', '-bH'],
    worlds: ['nobody'],
    differences: ['own help'],
    says: /Exit status:/,
  },
  {
    title: 'a time that is no number',
    words: ['-f', 'cat', '-t', 'soon', 'x'],
    setup: cat,
    worlds: ['gearmand'],
    differences: ['values are checked'],
    says: /"soon" is not allowed, allowed is -1 to/,
  },
  {
    title: 'a name that is too long',
    words: ['-b', '-f', 'later', '-u', 'u'.repeat(80), 'x'],
    differences: ['values are checked'],
    says: /-u, --unique: "u+" is not allowed, allowed is at most 64 bytes/,
  },
  {
    title: 'an empty function',
    words: ['-b', '-f', '', 'x'],
    differences: ['values are checked'],
    says: /-f, --function: "" is not allowed/,
  },
  {
    title: 'TLS to a server without it',
    words: ['-S', '-b', '-v', '-f', 'later', 'x'],
    worlds: ['gearmand'],
    differences: ['TLS is not forgotten'],
    says: /connect to 127\.0\.0\.1:PORT: /,
    left: [],
  },
];

async function full(world: World): Promise<void> {
  await world.submit('full', 'k', 'x');
  await world.tell('maxqueue full 1');
}

/** Job 1 and no more; the tool under test is the worker. */
const one = (...words: readonly string[]): string[] => ['-w', '-c', '1', '-f', 'job', ...words];

const WORKER: readonly Row[] = [
  {
    title: 'worker: a command',
    words: one('--', 'tr', 'a-z', 'A-Z'),
    setup: waiting('job', 'hello'),
  },
  { title: 'worker: a command without --', words: one('cat'), setup: waiting('job', 'hello') },
  {
    title: 'worker: binary data',
    words: one('--', 'cat'),
    setup: waiting('job', '\0\x01\xff\n\0'),
  },
  { title: 'worker: an empty workload', words: one('--', 'wc', '-c'), setup: waiting('job', '') },
  {
    title: 'worker: a large result',
    words: one('--', 'head', '-c', '300000', '/dev/zero'),
    setup: waiting('job', 'x'),
  },
  {
    title: 'worker: a large workload that is not read',
    words: one('--', 'true'),
    setup: waiting('job', 'x'.repeat(1_000_000)),
  },
  {
    title: 'worker: a command that fails',
    words: one('--', 'sh', '-c', 'cat; exit 3'),
    setup: waiting('job', 'half'),
    differences: ['own messages'],
    says: /^gearman: HANDLE of job: the command ended with exit status 3\n$/,
  },
  {
    title: 'worker: a command that fails silently',
    words: one('--', 'false'),
    setup: waiting('job', 'x'),
    differences: ['own messages'],
    says: /exit status 1/,
  },
  {
    title: 'worker: standard error',
    words: one('--', 'sh', '-c', 'echo oops >&2; cat'),
    setup: waiting('job', 'x'),
  },
  { title: 'worker: no command', words: one(), setup: waiting('job', 'a\0b\n') },
  { title: 'worker: no command, lines', words: one('-n'), setup: waiting('job', 'a\nb\n') },
  {
    title: 'worker: several jobs',
    words: ['-w', '-c', '3', '-f', 'job', '--', 'cat'],
    setup: waiting('job', 'a', 'b', 'c'),
  },
  {
    title: 'worker: a job too many',
    words: ['-w', '-c', '1', '-f', 'job'],
    setup: async (world) => {
      await world.submit('job', 'k1', 'a');
      await world.submit('job', 'k2', 'b');
    },
  },
  {
    title: 'worker: failed jobs count',
    words: ['-w', '-c', '2', '-f', 'job', '--', 'false'],
    setup: async (world) => {
      for (const unique of ['k1', 'k2', 'k3']) await world.submit('job', unique, 'x');
    },
    differences: ['count of failed jobs', 'own messages'],
    says: /exit status 1[\s\S]*exit status 1/,
    left: ['job\t0\t1\t0\t0', 'k3'],
  },
  {
    title: 'worker: two functions',
    words: ['-w', '-c', '2', '-f', 'a', '-f', 'b', '--', 'cat'],
    setup: async (world) => {
      await world.wait('a', 'x');
      await world.wait('b', 'y');
    },
    worlds: ['geartrain'],
  },
  {
    title: 'worker: one line of output',
    words: one('-n', '--', 'echo', 'one'),
    setup: waiting('job', ''),
  },
  {
    title: 'worker: lines of output',
    words: one('-n', '--', 'printf', 'a\\nb\\nc'),
    setup: waiting('job', ''),
    differences: ['lines of a worker'],
    heard: [
      'client 1 got WORK_DATA "a\\n"',
      'client 1 got WORK_DATA "b\\n"',
      'client 1 got WORK_DATA "c"',
      'client 1 got WORK_COMPLETE ""',
    ],
  },
  {
    title: 'worker: lines of output without their ends',
    words: one('-N', '--', 'printf', 'a\\nb\\n'),
    setup: waiting('job', ''),
    differences: ['lines of a worker'],
    heard: [
      'client 1 got WORK_DATA "a"',
      'client 1 got WORK_DATA "b"',
      'client 1 got WORK_COMPLETE ""',
    ],
  },
  {
    title: 'worker: a command ended by a signal',
    words: one('--', 'sh', '-c', 'kill -9 $$'),
    setup: waiting('job', 'x'),
    differences: ['commands that break'],
    says: /the command ended with signal SIGKILL/,
    heard: ['client 1 got WORK_FAIL ""'],
  },
  {
    title: 'worker: a command that does not exist',
    words: one('--', '/no/such/command'),
    setup: (world) => world.submit('job', 'k', 'x'),
    differences: ['missing commands'],
    says: /command "\/no\/such\/command": there is no such program/,
  },
  {
    title: 'worker: no job in time',
    words: ['-w', '-c', '1', '-t', '300', '-f', 'job'],
    differences: ['exit status', 'own messages'],
    says: /^gearman: no job within 300 ms\n$/,
  },
  {
    title: 'worker: no server',
    words: ['-w', '-c', '1', '-f', 'job'],
    worlds: ['nobody'],
    differences: ['exit status', 'own messages'],
    says: /^gearman: connect to 127\.0\.0\.1:PORT: no job server listens there \(ECONNREFUSED\), trying again\n$/,
  },
  {
    title: 'worker: no function',
    words: ['-w'],
    worlds: ['nobody'],
    differences: ['own usage'],
    says: /no function/,
  },
  {
    title: 'worker: an option of the command without --',
    words: one('ls', '-a'),
    worlds: ['nobody'],
    differences: ['own usage'],
    says: /unknown option "-a"/,
  },
  {
    title: 'worker: a pid file',
    words: one('-i', '{folder}/pid', '--', 'cat', '{folder}/pid'),
    setup: waiting('job', ''),
  },
  {
    title: 'worker: servers of the environment',
    words: one('--', 'cat'),
    setup: waiting('job', 'x'),
    isPlaced: false,
    env: { GEARMAN_SERVER: '127.0.0.1:{port}' },
  },
];

export const GEARMAN_ROWS: readonly Invocation[] = [...CLIENT, ...WORKER].map((row) => ({
  ...row,
  tool: 'gearman',
}));
