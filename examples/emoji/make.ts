import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { npmPackage } from '../packages/npm-package.ts';
import { packages } from './packages.ts';
import { makeTable } from './table.ts';

// Fetches the pictures and makes the table of products: `npx tsx examples/emoji/make.ts [folder]`.
const folder = process.argv[2] ?? join('.contrail', 'examples', 'emoji');
const cache = join(folder, 'packages');
await mkdir(folder, { recursive: true });
const { table, rows } = await makeTable(
  {
    twitter: await npmPackage(packages.twitter, cache),
    google: await npmPackage(packages.google, cache),
    openmoji: await npmPackage(packages.openmoji, cache),
  },
  folder,
);
console.log(
  `${table}: ${Object.entries(rows)
    .map(([house, count]) => `${count} pictures of ${house}`)
    .join(', ')}`,
);
