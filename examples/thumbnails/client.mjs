/**
 * Has thumbnails of many pictures made, as many at a time as there are threads, and writes them to a folder.
 *
 *   node examples/thumbnails/client.mjs FOLDER PICTURE.png ...
 */
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Client } from 'geartrain';

const [folder, ...files] = process.argv.slice(2);
const client = new Client({ servers: ['127.0.0.1:4730'] });

await Promise.all(
  files.map(async (file) => {
    const small = await client.submit('thumbnail', await readFile(file));
    await writeFile(join(folder, basename(file)), small);
    console.log(`${basename(file)}: ${small.length} bytes`);
  }),
);
await client.close();
