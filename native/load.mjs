// Plain JavaScript on Node's own modules and esbuild: it is what makes our TypeScript run.
import { randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compile, digestOf, entries, stateOf } from './compile.mjs';
import { isPackage, packaged, root } from './root.mjs';

/**
 * A compilation: the root that it names, its folder, and its sources.
 *
 * @typedef {{
 *   readonly root: string,
 *   readonly folder: string,
 *   readonly sources: Readonly<Record<string, import('./compile.mjs').Source>>
 * }} Compilation
 */

const compiled = join(root, '.native', 'compiled');
/** Is in the folder of a compilation that is whole. */
const finished = 'compilation.json';
const latestFile = join(compiled, 'latest.json');
/** Names the compilation that a process runs, for those that it starts: a worker and its trainers run the same code, also when sources change. */
const inherited = 'CONTRAIL_COMPILATION';
/** Compilations that are kept: a process that began before the sources changed may not have loaded all of its own yet. */
const keptCompilations = 10;

/**
 * Loads a TypeScript module of ours. What a process or thread begins with comes compiled into few files, which takes half the
 * time of reading hundreds; it is compiled anew when a source has changed. Everything else, and everything where this
 * clone cannot be written to, goes through tsx, file by file. A package comes compiled.
 *
 * @param {URL} source
 * @returns {Promise<Record<string, unknown>>}
 */
export async function load(source) {
  // Reading the maps takes as long as the code. Of a package, Node's own --enable-source-maps asks for them.
  if (!isPackage) process.setSourceMapsEnabled(true);
  const path = source.protocol === 'file:' ? relative(root, fileURLToPath(source)) : '';
  const folder = isPackage || entries.includes(path) ? await compiledFolder() : null;
  if (folder) return import(pathToFileURL(join(folder, path.replace(/\.ts$/, '.js'))).href);
  const { register } = await import('tsx/esm/api');
  register();
  return import(source.href);
}

/**
 * The folder of what this process and those that it starts run, compiled from the sources as they were when the first of them began;
 * null where they cannot be compiled or written.
 *
 * @returns {Promise<string | null>}
 */
export async function compiledFolder() {
  if (isPackage) return packaged;
  const known = inheritedCompilation() ?? latestCompilation() ?? (await newCompilation());
  if (known) process.env[inherited] = basename(known);
  return known;
}

function inheritedCompilation() {
  const name = process.env[inherited];
  const folder = join(compiled, basename(name ?? ''));
  return name && existsSync(join(folder, finished)) ? folder : null;
}

async function newCompilation() {
  const folder = join(compiled, randomUUID());
  try {
    const sources = await compile(folder);
    const written = join(folder, finished);
    writeFileSync(written, JSON.stringify({ root, folder, sources }));
    copyFileSync(written, `${written}.latest`);
    renameSync(`${written}.latest`, latestFile);
  } catch {
    // tsx says what is wrong with a source, at the source that is used; and needs no folder to write to.
    unlessImpossible(() => rmSync(folder, { recursive: true, force: true }));
    return null;
  }
  unlessImpossible(removeOld);
  return folder;
}

function latestCompilation() {
  try {
    const latest = /** @type {Compilation} */ (JSON.parse(readFileSync(latestFile, 'utf8')));
    const isSame = Object.entries(latest.sources).every(([path, source]) => isUnchanged(path, source));
    return latest.root === root && isSame && statSync(latest.folder).isDirectory() ? latest.folder : null;
  } catch {
    // There is none, or none that can be read: both are mended by compiling.
    return null;
  }
}

/** Layers of an image, archives and copies cut times off, and where they lie nothing new may be writable. @param {string} path @param {import('./compile.mjs').Source} source */
const isUnchanged = (path, { state, digest }) =>
  stateOf(path) === state || digestOf(readFileSync(join(root, path))) === digest;

/** For what is left over, which another process may be removing too. @param {() => void} remove */
function unlessImpossible(remove) {
  try {
    remove();
  } catch {
    // The next compilation tries again.
  }
}

function removeOld() {
  const folders = readdirSync(compiled, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ path: join(compiled, name), time: statSync(join(compiled, name)).mtimeMs }))
    .sort((a, b) => b.time - a.time);
  for (const { path } of folders.slice(keptCompilations)) rmSync(path, { recursive: true, force: true });
}
