// `node run.mjs program.ts arguments…`, or a thread of this file: a TypeScript program of ours with the arguments that it is given.
import { pathToFileURL } from 'node:url';
import { load } from './load.mjs';

const [program = ''] = process.argv.splice(2, 1);
await load(URL.canParse(program) ? new URL(program) : pathToFileURL(program));
