/**
 * Many jobs in one command: a script gets them as one argument. A command for each costs a client of Redis 50 us of
 * CPU time, this one 1 us a job. Source: Redis, "Scripting with Lua" and its library `struct`.
 *
 *   add:     key data priority function unique order own    for each job, every field as a 32-bit length (big-endian)
 *   runs:    as add, then change key-of-the-runs id handle fingerprint attempts losses due delay details dead
 *   remove:  key function unique own                        and bytes
 *
 * Function `a` with unique `b-c` and function `a-b` with unique `c` have the same key in gearmand's layout. The second
 * one gets a key of its own, so that no client can block the jobs of a function. Rule: a key belongs to a job when its
 * fields have the job's function and unique. If gearmand wrote no such fields, the first hyphen of the key ends the
 * function.
 */
import { Change, type Put } from '../backend.ts';

/**
 * Limits of one command, in jobs and in bytes of workloads. Other clients of Redis wait while it runs: some
 * milliseconds at most.
 */
const JOBS_MAX = 500;
const BYTES_MAX = 1 << 20;

/** Fields of a job with runs. */
const RUNS_FIELDS = 18;

/** Part of all scripts: whether an existing key belongs to another job than `name` and `unique`. */
const IS_OTHER = `
local function isOther(key, name, unique)
  local found = redis.pcall('HMGET', key, 'function', 'unique')
  local first, second = found[1], found[2]
  if first and second and first .. '-' .. second == name .. '-' .. unique then
    return first ~= name
  end
  return string.find(name, '-', 1, true) ~= nil
end`;

/** Argument: packed jobs. Returns the numbers, from 0 on, of those that exist already. */
export const ADD_SCRIPT = `${IS_OTHER}
local batch, at, number, taken = ARGV[1], 1, 0, {}
while at <= #batch do
  local key, data, priority, name, unique, order, own
  key, data, priority, name, unique, order, own, at =
    struct.unpack('>I4c0I4c0I4c0I4c0I4c0I4c0I4c0', batch, at)
  if redis.call('EXISTS', key) == 1 and isOther(key, name, unique) then key = own end
  if redis.call('EXISTS', key) == 1 then
    taken[#taken + 1] = number
  else
    redis.call('HSET', key, 'data', data, 'priority', priority,
      'function', name, 'unique', unique, 'order', order)
  end
  number = number + 1
end
return taken`;

/**
 * Argument: packed jobs with runs. Returns the numbers, from 0 on, of those to add that exist already; nothing of these
 * is changed. The changes are those of `Change`. Redis compares no type before it writes: a string of an old gearmand
 * cannot name its runs.
 */
export const RUNS_SCRIPT = `${IS_OTHER}
local batch, at, number, taken = ARGV[1], 1, 0, {}
local format = '>' .. string.rep('I4c0', ${RUNS_FIELDS})
while at <= #batch do
  local f = {struct.unpack(format, batch, at)}
  at = f[${RUNS_FIELDS} + 1]
  local key, data, priority, name, unique, order, own = f[1], f[2], f[3], f[4], f[5], f[6], f[7]
  local change, runs, id, isDead = f[8], f[9], f[10], f[18] ~= ''
  local isAdd = change == '${Change.ADD}' or change == '${Change.KICK}'
  local isThere = redis.call('EXISTS', key) == 1
  if isThere and isOther(key, name, unique) or not isThere and not isAdd then key = own end
  isThere = redis.call('EXISTS', key) == 1
  if isAdd and isThere then
    taken[#taken + 1] = number
  else
    if isAdd then
      redis.call('HSET', key, 'data', data, 'priority', priority,
        'function', name, 'unique', unique, 'order', order, 'runs', id)
    elseif change == '${Change.BURY}' then
      redis.call('DEL', key)
    elseif isThere and not isDead then
      redis.pcall('HSET', key, 'runs', id)
    end
    redis.call('DEL', runs)
    redis.call('HSET', runs, 'id', id, 'handle', f[11], 'fingerprint', f[12], 'attempts', f[13],
      'losses', f[14], 'due', f[15], 'delay', f[16], 'details', f[17],
      'function', name, 'unique', unique)
    if isDead then redis.call('HSET', runs, 'dead', '1', 'priority', priority, 'data', data) end
  end
  number = number + 1
end
return taken`;

/** Argument: packed keys. Removes each job under whichever of its keys it has. */
export const REMOVE_SCRIPT = `${IS_OTHER}
local batch, at = ARGV[1], 1
while at <= #batch do
  local key, name, unique, own
  key, name, unique, own, at = struct.unpack('>I4c0I4c0I4c0I4c0', batch, at)
  if redis.call('EXISTS', key) == 1 and not isOther(key, name, unique) then
    redis.call('DEL', key)
  else
    redis.call('DEL', own)
  end
end`;

/** Fields of one job, in the order of the drawing above. */
export type Fields = readonly (Uint8Array | string)[];

/** Packs jobs for a script. Text is Latin-1. */
export function packFields(jobs: readonly Fields[]): Buffer {
  const fields = jobs.flat();
  const bytes = Buffer.allocUnsafe(fields.reduce((sum, field) => sum + 4 + field.length, 0));
  let at = 0;
  for (const field of fields) {
    at = bytes.writeUInt32BE(field.length, at);
    if (typeof field === 'string') bytes.write(field, at, 'latin1');
    else bytes.set(field, at);
    at += field.length;
  }
  return bytes;
}

/**
 * The end of the group of puts for one command that begins with `puts[start]`. It has at least one job, even a very
 * large one.
 */
export function endOfLot(puts: readonly Put[], start: number): number {
  let byteCount = puts[start]?.workload.length ?? 0;
  for (let at = start + 1; at < puts.length; at++) {
    byteCount += (puts[at] as Put).workload.length;
    if (at === start + JOBS_MAX || byteCount > BYTES_MAX) return at;
  }
  return puts.length;
}
