/** Makes thumbnails of many pictures. Usage: node resize.mjs HOST:PORT FOLDER PICTURE.png ... */
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Client } from 'geartrain';

const [server, folder, ...files] = process.argv.slice(2);
const client = new Client({ servers: [server] });

await Promise.all(
  files.map(async (file) => {
    const small = await client.submit('thumbnail', await readFile(file));
    await writeFile(join(folder, basename(file)), small);
    console.log(`${basename(file)}: ${small.length} bytes`);
  }),
);
await client.close();
