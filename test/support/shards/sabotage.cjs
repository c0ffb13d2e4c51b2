/**
 * Preloaded (`--require`) into a process whose shards a test wants to die. Orders come over a broadcast channel from
 * the same process, or, from outside, as SIGUSR2: the newest thread is terminated. The product knows nothing of it.
 */
const { BroadcastChannel, isMainThread, threadId } = require('node:worker_threads');

const WAYS = {
  throw() {
    throw new TypeError('sabotage');
  },
  exit() {
    process.exit(3);
  },
  fill() {
    const kept = [];
    for (;;) kept.push(new Array(100_000).fill(kept.length));
  },
  loop() {
    for (;;);
  },
};

if (isMainThread) {
  const threads = new Set();
  process.on('worker', (thread) => {
    threads.add(thread);
    thread.once('exit', () => threads.delete(thread));
  });
  process.on('SIGUSR2', () => [...threads].at(-1)?.terminate());
} else {
  const orders = new BroadcastChannel('sabotage');
  orders.onmessage = ({ data }) => {
    // From a timer, so that it is an error of the thread and not one of this channel.
    if (data.victim === threadId) setTimeout(WAYS[data.way], 1);
  };
  orders.unref();
}
