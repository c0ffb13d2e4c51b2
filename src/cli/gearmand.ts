#!/usr/bin/env node
/** The command `gearmand`: what must come first, then the rest. */
import './before-start.ts';

await import('./run-gearmand.ts');
