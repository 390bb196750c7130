import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { debianPackage } from '../packages/debian-package.ts';
import { makeTable } from './table.ts';

// Fetches the stamps and makes their table: `npx tsx examples/tuxpaint/make.ts [folder] [archive]`.
const folder = process.argv[2] ?? join('.contrail', 'examples', 'tuxpaint');
const archive = process.argv[3];
await mkdir(folder, { recursive: true });
const files = await debianPackage(
  {
    name: 'tuxpaint-stamps-default',
    version: '2022.06.04-1',
    sha256: '6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34',
  },
  { cache: folder, ...(archive === undefined ? {} : { archive }) },
);
const stamps = join(files, 'usr', 'share', 'tuxpaint', 'stamps');
const { table, rows, kinds } = await makeTable(stamps, folder, relative(folder, stamps));
console.log(`${table}: ${rows} pictures of ${kinds} kinds`);
