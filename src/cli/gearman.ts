#!/usr/bin/env node
/** The command `gearman`; its modules are loaded after the compile cache is enabled. */
import { useCompileCache } from './compile-cache.ts';

useCompileCache();
const { main } = await import('./gearman/main.ts');
process.exit(await main(process.argv.slice(2)));
