#!/usr/bin/env node
/** The command `gearadmin`; its modules are loaded after the compile cache is enabled. */
import { useCompileCache } from './compile-cache.ts';

useCompileCache();
const { main } = await import('./gearadmin/main.ts');
process.exit(await main(process.argv.slice(2)));
