/**
 * The system's file system, except for writes and syncs, which two threads of the addon carry out with a lower priority
 * than the serving thread. One of the two is for commits only, so that no commit waits while a new segment is made.
 */
import type { OpenDisk } from '../native/contract.ts';
import { type FileSystem, nodeFiles } from '../store/file-system.ts';

/** Throws the system's error when no more threads can be started. */
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
