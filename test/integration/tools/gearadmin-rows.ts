/** Invocations of `gearadmin` that are compared with the C tool. */
import type { Invocation } from './invocation.ts';
import type { World } from './world.ts';

/** Two functions, three jobs, a worker with a name. */
async function busy(world: World): Promise<void> {
  await world.submit('resize', 'k1', 'a');
  await world.submit('resize', 'k2', 'b');
  await world.submit('mail', 'k3', 'c');
  const worker = await world.connect('worker');
  worker.send('SET_CLIENT_ID', 'somebody').send('CAN_DO', 'mail');
  await worker.barrier();
}

type Row = Omit<Invocation, 'tool'>;

/** Only gearmand: our server orders or answers it differently, which is the server's difference, not the tool's. */
const C_ONLY = { worlds: ['gearmand'] } as const;

const ROWS: readonly Row[] = [
  { title: 'status of an empty server', words: ['--status'] },
  { title: 'status', words: ['--status'], setup: busy },
  { title: 'status, cut short', words: ['--stat'], setup: busy },
  { title: 'priority status', words: ['--priority-status'], setup: busy },
  { title: 'workers', words: ['--workers'], setup: busy },
  { title: 'jobs', words: ['--show-jobs'], setup: busy },
  { title: 'unique keys', words: ['--show-unique-jobs'], setup: busy },
  {
    title: 'unique keys that look like the end of a listing and like an error',
    words: ['--show-unique-jobs'],
    setup: async (world) => {
      for (const unique of ['.', 'ERR x', 'OK y', '']) await world.submit('f', unique, '');
    },
  },
  { title: 'process id', words: ['--getpid'] },
  { title: 'version', words: ['--server-version'] },
  { title: 'verbose', words: ['--server-verbose'] },
  { title: 'create', words: ['--create-function', 'made'] },
  { title: 'create with =', words: ['--create-function=made'] },
  { title: 'create without a name', words: ['--create-function', ''], ...C_ONLY },
  {
    title: 'create with a name of two words',
    words: ['--create-function', 'a b'],
    differences: ['exit status'],
  },
  { title: 'create with a name beyond ASCII', words: ['--create-function', 'größe'] },
  {
    title: 'drop',
    words: ['--drop-function', 'made'],
    setup: (world) => world.tell('create function made'),
  },
  {
    title: 'drop what is not there',
    words: ['--drop-function', 'nope'],
    differences: ['exit status'],
  },
  {
    title: 'drop what has a worker',
    words: ['--drop-function', 'mail'],
    setup: busy,
    differences: ['exit status'],
  },
  { title: 'cancel', words: ['--cancel-job', '{handle1}'], setup: busy, ...C_ONLY },
  {
    title: 'cancel what is not there',
    words: ['--cancel-job', 'H:x:1'],
    differences: ['exit status'],
  },
  {
    title: 'cancel with two words',
    words: ['--cancel-job', 'H:x:1 y'],
    differences: ['exit status'],
  },
  {
    title: 'an option as a value',
    words: ['--cancel-job', '--status'],
    differences: ['exit status'],
  },
  {
    title: "all questions at once, in the tool's order",
    words: [
      '--status',
      '--workers',
      '--priority-status',
      '--server-version',
      '--server-verbose',
      '--show-jobs',
      '--show-unique-jobs',
      '--getpid',
    ],
    setup: busy,
  },
  {
    title: "all changes among questions, in the tool's order",
    words: [
      '--status',
      '--cancel-job',
      '{handle2}',
      '--server-verbose',
      '--drop-function',
      'made',
      '--create-function',
      'made',
      '--show-jobs',
      '--getpid',
    ],
    setup: busy,
    ...C_ONLY,
  },
  {
    title: 'goes on behind an error',
    words: [
      '--drop-function',
      'nope',
      '--cancel-job',
      'nope',
      '--create-function',
      'a b',
      '--getpid',
      '--status',
    ],
    differences: ['exit status'],
  },
  {
    title: 'joined short options',
    words: ['-h127.0.0.1', '-p{port}', '--status'],
    isPlaced: false,
    setup: busy,
  },
  {
    title: 'long options with =',
    words: ['--host=127.0.0.1', '--port={port}', '--status'],
    isPlaced: false,
    setup: busy,
  },
  {
    title: 'a host by name',
    words: ['--host', 'localhost', '--port', '{port}', '--status'],
    isPlaced: false,
    setup: busy,
  },
  { title: 'a closing --', words: ['--status', '--'], setup: busy },
  {
    title: 'a stray word',
    words: ['--status', 'extra'],
    setup: busy,
    differences: ['stray words'],
    says: /"extra" has no effect/,
  },
  {
    title: 'nothing to do',
    words: [],
    differences: ['own usage'],
    worlds: ['nobody'],
    says: /nothing to do/,
  },
  {
    title: 'an option behind --',
    words: ['--', '--status'],
    differences: ['own usage'],
    worlds: ['nobody'],
    says: /nothing to do/,
  },
  {
    title: 'an unknown option',
    words: ['--bogus'],
    differences: ['own usage'],
    worlds: ['nobody'],
    says: /unknown option "--bogus"/,
  },
  {
    title: 'an unknown short option',
    words: ['-x', '--status'],
    differences: ['own usage'],
    worlds: ['nobody'],
    says: /unknown option "-x"/,
  },
  {
    title: 'shutdown, which never was an option of it',
    words: ['--shutdown'],
    differences: ['own usage'],
    worlds: ['nobody'],
    says: /unknown option "--shutdown"/,
  },
  {
    title: 'an ambiguous option',
    words: ['--server-ver'],
    differences: ['own usage'],
    worlds: ['nobody'],
    says: /ambiguous: --server-verbose, --server-version/,
  },
  {
    title: 'a missing value',
    words: ['--port'],
    isPlaced: false,
    differences: ['own usage'],
    worlds: ['nobody'],
    says: /argument missing/,
  },
  {
    title: 'a value for a flag',
    words: ['--status=x'],
    differences: ['own usage'],
    worlds: ['nobody'],
    says: /--status takes no value/,
  },
  {
    title: 'an option twice',
    words: ['--getpid', '--getpid'],
    differences: ['own usage'],
    worlds: ['nobody'],
    says: /--getpid: given more than once/,
  },
  {
    title: 'upper case',
    words: ['--Status'],
    differences: ['own usage'],
    worlds: ['nobody'],
    says: /unknown option "--Status"/,
  },
  {
    title: 'help',
    words: ['--help'],
    isPlaced: false,
    differences: ['own help'],
    says: /Exit status:/,
  },
  {
    title: 'help with a wrong option',
    words: ['--help', '--bogus'],
    differences: ['own usage'],
    worlds: ['nobody'],
    says: /unknown option "--bogus"/,
  },
  {
    title: 'no server',
    words: ['--status'],
    worlds: ['nobody'],
    differences: ['own messages'],
    says: /connect to 127\.0\.0\.1:PORT: no job server listens there \(ECONNREFUSED\)/,
  },
  {
    title: 'no such host',
    words: ['-h', 'no.such.host.invalid', '--status'],
    isPlaced: false,
    worlds: ['nobody'],
    differences: ['own messages'],
    says: /no\.such\.host\.invalid:4730: .*host.*\(E/,
  },
  {
    title: 'a service that does not exist',
    words: ['-p', 'nosuchservice', '--status'],
    isPlaced: false,
    worlds: ['nobody'],
    differences: ['own messages'],
    says: /"nosuchservice" is not allowed, allowed is 1 to 65535/,
  },
  {
    title: 'a port out of range',
    words: ['-p', '99999', '--status'],
    isPlaced: false,
    worlds: ['nobody'],
    differences: ['own messages'],
    says: /"99999" is not allowed/,
  },
  {
    title: 'a line end in a name',
    words: ['--create-function', 'a\r\ncreate function b'],
    differences: ['line ends in names'],
    says: /is not allowed, allowed is text of one line/,
    left: [],
  },
  {
    title: 'TLS to a server without it',
    words: ['-S', '--status'],
    differences: ['TLS is not forgotten'],
    says: /connect to 127\.0\.0\.1:PORT: /,
  },
];

export const GEARADMIN_ROWS: readonly Invocation[] = ROWS.map((row) => ({
  ...row,
  tool: 'gearadmin',
}));
