import { join } from 'node:path';
import { fashionMnist } from '../../datasets/index.ts';
import { writeUnbalanced } from './folder.ts';

// Makes a folder of clothes whose classes have 2000 to 20 images: `npx tsx examples/unbalanced/make.ts [folder] [folder with Fashion-MNIST's files]`.
const folder = process.argv[2] ?? join('.contrail', 'examples', 'unbalanced');
const log = (line: string) => console.error(line);
const dataset = await fashionMnist(process.argv[3], { cacheFolder: join('.contrail', 'cache'), log });
const sizes = await writeUnbalanced(dataset, folder, { largest: 2000, smallest: 20, test: 300 });
console.log(`${folder}: ${[...sizes].map(([name, count]) => `${count} of ${name}`).join(', ')}`);
