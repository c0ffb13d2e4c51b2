#!/usr/bin/env node
/** The command `gearmand`: the parts that must come first, then the rest. */
import './before-start.ts';
import { tooFewDescriptors } from './enough-descriptors.ts';

const refusal = tooFewDescriptors(0);
if (refusal !== null) {
  process.stderr.write(`gearmand: ${refusal}\n`);
  process.exit(1);
}
await import('./run-gearmand.ts');
