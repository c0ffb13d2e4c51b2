#!/usr/bin/env node
/** The command `gearadmin`; its modules are loaded when the cache of compiled code is in use. */
import { useCompileCache } from './compile-cache.ts';

useCompileCache();
const { main } = await import('./gearadmin/main.ts');
process.exit(await main(process.argv.slice(2)));
