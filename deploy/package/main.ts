import { resolve } from 'node:path';
import { buildPackage } from './build.ts';

/** `npm run package -- [folder]` */
process.stdout.write(`${await buildPackage(resolve(process.argv[2] ?? '.'))}\n`);
