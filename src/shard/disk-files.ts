/**
 * The system's file system, but for writes and syncs: these are carried out by two threads of the addon's that give way
 * to the one that serves. Commits have one of them to themselves, so that none waits for a new segment.
 */
import type { OpenDisk } from '../native/contract.ts';
import { type FileSystem, nodeFiles } from '../store/file-system.ts';

/** Throws the system's error when there can be no more threads. */
export function diskFiles(openDisk: OpenDisk): FileSystem {
  const commits = openDisk();
  const others = openDisk();
  return {
    ...nodeFiles,
    write: (file, pieces, at, done) => others.write(file, pieces, at, false, done),
    sync: (file, done) => others.write(file, [], 0, true, done),
    commit: (file, pieces, at, done) => commits.write(file, pieces, at, true, done),
    end: () => {
      commits.close();
      others.close();
    },
  };
}
