/** All attacks, in the order in which they are played. */
import { LIMITS } from './cases/doors.mjs';
import { FUZZ } from './cases/fuzz.mjs';
import { MEMORY } from './cases/memory.mjs';
import { OUTPUT } from './cases/output.mjs';
import { WORK } from './cases/work.mjs';

export const ATTACKS = [...LIMITS, ...OUTPUT, ...WORK, ...MEMORY, ...FUZZ];
