// Plain JavaScript on Node's own modules: it is needed before the packages are there.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of this installation: a clone, or a package that npm installed. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** What our TypeScript was compiled to when the package was made. A clone has none, and compiles on its own. */
export const packaged = join(root, 'dist');

/** What a package says of its compilation. */
export const compilationFile = join(packaged, 'compilation.json');

export const isPackage = existsSync(compilationFile);

/** @returns {string} the version of this installation */
export const version = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;

/** The URL of a file of this installation. In a package our compiled code finds by it what it would find beside its source. @param {string} path */
export const urlOf = (path) => new URL(`../${path}`, import.meta.url).href;
