/**
 * Entry of a shard's thread: joins the rings, runs turns until it is told to stop. An error in a turn is not caught:
 * the thread dies of it and the supervisor starts another.
 */
import type { Logger } from '../base/logger.ts';
import { assembleThread } from './assemble.ts';
import { chooseNative } from './choose-native.ts';
import type { FromShard, ShardTask, ToShard } from './messages.ts';
import { RingEndpoints } from './ring-mesh.ts';
import { closeSessions } from './thread-end.ts';
import { warmUp } from './warm-up.ts';

/** How long peers may take to read their last replies at a stop. */
const CLOSE_MS = 2_000;

/** Runs one shard; resolves at a soft stop. */
export default async function runShard(task: ShardTask): Promise<void> {
  const { port, config } = task;
  const say = (message: FromShard) => port.postMessage(message);
  let level = task.logLevel;
  const log: Logger = {
    get level() {
      return level;
    },
    log: (lineLevel, text, context) => {
      if (lineLevel <= level)
        say({ type: 'log', level: lineLevel, text, ...(context && { context }) });
    },
  };
  const native = chooseNative(task.isNative ? 'on' : 'off');
  await warmUp(native, config, config.warmUpMs, log);
  const rings = new RingEndpoints(task.wires, native.functions);
  const core = assembleThread(config, native, rings, log, () => {});
  rings.watch(core.reactor);
  core.setGates(config.gates);
  try {
    await core.restore();
  } catch (error) {
    say({ type: 'refused', reason: (error as Error).message });
    throw error;
  }
  await new Promise<void>((resolve) => {
    port.on('message', (message: ToShard) => {
      if (message.type === 'part') {
        rings.part(message.thread);
        core.lose(message.thread);
        say({ type: 'parted', thread: message.thread });
      } else if (message.type === 'join') {
        rings.join(message.thread, message.ends);
        core.regain(message.thread);
      } else if (message.type === 'logLevel') level = message.level;
      else if (message.type === 'renewTokens') core.renewTokens(message.tokens);
      else if (message.type === 'renewTls') core.tlsConnections?.renew(message.material);
      else resolve();
    });
    say({ type: 'ready' });
  });
  // Peers here are owed the effects of records that other threads sent before their end.
  core.reactor.pauseReading(true);
  core.takeRecords();
  const jobs = await core.closeStore();
  if (jobs > 0) say({ type: 'lost', jobs });
  core.reactor.pauseReading(false);
  await closeSessions(core.table, CLOSE_MS);
  await core.destroy();
  rings.close();
  port.close();
}
