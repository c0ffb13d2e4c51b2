/**
 * Settings of the JavaScript engine for a process that is a job server and nothing else; a program that embeds one
 * keeps its own. They hold for all threads of the process.
 */
import { setFlagsFromString } from 'node:v8';

/**
 * Lets the compiler join more small functions into one. An event passes some thirty of them, and V8 stops joining at
 * 920 bytes of bytecode: measured, a job then costs a fifth more time outside of the kernel (DECISIONS.md, 10).
 */
export function tuneEngine(): void {
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=6000');
}
