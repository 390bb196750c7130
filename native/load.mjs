// Plain JavaScript on Node's own modules and esbuild: it is what makes our TypeScript run.
import { createHash, randomUUID } from 'node:crypto';
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
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = fileURLToPath(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));
const compiled = join(root, '.native', 'compiled');
/** Is in the folder of a compilation that is whole. */
const finished = 'compilation.json';
const latestFile = join(compiled, 'latest.json');
/** Names the compilation that a process runs, for those that it starts: a worker and its trainers run the same code, also when sources change. */
const inherited = 'CONTRAIL_COMPILATION';
/** Compilations that are kept: a process that began before the sources changed may not have loaded all of its own yet. */
const keptCompilations = 10;

/** What processes and threads of ours begin with. */
const entries = [
  'cli/main.ts',
  'worker/trainer.ts',
  'worker/exporter.ts',
  'report/thread/thread.ts',
  'vectors/search/thread.ts',
  'vectors/process/program.ts',
  'serving/process/serve-model.ts',
  'datasets/table/thread/thread.ts',
  'training/checkpoint-writer/thread.ts',
  'datasets/decode-pool/thread.ts',
  'datasets/decoders/process.ts',
  // Temporal compiles the workflows by itself; what it gives is kept beside the rest, so that their sources count as well.
  'workflows/index.ts',
];
/** What Temporal compiles into the workflows besides: what npm installed, and how failures are encoded. */
const inWorkflows = ['package-lock.json', 'payloads/failure-converter.cjs'].map((path) => join(root, path));

/**
 * A source as it was compiled: its size and time tell at a glance that it is the same, its digest after it was copied.
 *
 * @typedef {{ readonly state: string, readonly digest: string }} Source
 *
 * A compilation: the root that it names, its folder, and its sources.
 *
 * @typedef {{ readonly root: string, readonly folder: string, readonly sources: Readonly<Record<string, Source>> }} Compilation
 */

/**
 * Loads a TypeScript module of ours. What a process or thread begins with comes compiled into few files, which takes half the
 * time of reading hundreds; it is compiled anew when a source has changed. Everything else, and everything where this
 * installation cannot be written to, goes through tsx, file by file.
 *
 * @param {URL} source
 * @returns {Promise<Record<string, unknown>>}
 */
export async function load(source) {
  process.setSourceMapsEnabled(true);
  const path = source.protocol === 'file:' ? relative(root, fileURLToPath(source)) : '';
  const folder = entries.includes(path) ? await compiledFolder() : null;
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
    await compile(folder);
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
    const isSame = Object.entries(latest.sources).every(([path, source]) => isUnchanged(join(root, path), source));
    return latest.root === root && isSame && statSync(latest.folder).isDirectory() ? latest.folder : null;
  } catch {
    // There is none, or none that can be read: both are mended by compiling.
    return null;
  }
}

/** Layers of an image, archives and copies cut times off, and where they lie nothing new may be writable. @param {string} path @param {Source} source */
const isUnchanged = (path, { state, digest }) => stateOf(path) === state || digestOf(readFileSync(path)) === digest;

/** @param {string} path */
function stateOf(path) {
  const { size, mtimeNs } = statSync(path, { bigint: true });
  return `${size} ${mtimeNs}`;
}

/** @param {Uint8Array | string} content */
const digestOf = (content) => createHash('sha256').update(content).digest('hex');

/** @param {string} folder */
async function compile(folder) {
  const { build } = /** @type {typeof import('esbuild')} */ (
    createRequire(fileURLToPath(import.meta.resolve('tsx')))('esbuild')
  );
  /** @type {Record<string, Source>} */
  const sources = Object.fromEntries(
    [here, ...inWorkflows].map((path) => [
      relative(root, path),
      { state: stateOf(path), digest: digestOf(readFileSync(path)) },
    ]),
  );
  const options = /** @satisfies {import('esbuild').BuildOptions} */ ({
    absWorkingDir: root,
    entryPoints: entries,
    outbase: root,
    outdir: folder,
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    logLevel: 'silent',
    plugins: [
      {
        name: 'sources',
        setup: (/** @type {import('esbuild').PluginBuild} */ { onLoad }) =>
          onLoad({ filter: /\.(ts|mjs)$/ }, async ({ path }) => {
            const state = stateOf(path);
            const text = await readFile(path, 'utf8');
            sources[relative(root, path)] = { state, digest: digestOf(text) };
            // What is beside a source stays beside it.
            const contents = text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href));
            return { contents, loader: path.endsWith('.ts') ? 'ts' : 'js' };
          }),
      },
    ],
  });
  await inPlainEnvironment(() => build(options));
  const written = join(folder, finished);
  writeFileSync(written, JSON.stringify({ root, folder, sources }));
  copyFileSync(written, `${written}.latest`);
  renameSync(`${written}.latest`, latestFile);
}

/** What esbuild may have of this process's variables. It is of Go. */
const plain = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ', 'GOMAXPROCS', 'GOMEMLIMIT'];

/**
 * Starts what takes its variables from this process, without keys and tokens: esbuild starts its process so, and takes no others.
 *
 * @template T
 * @param {() => T} start starts it before it returns
 * @returns {T}
 */
function inPlainEnvironment(start) {
  const own = process.env;
  process.env = Object.fromEntries(Object.entries(own).filter(([name]) => plain.includes(name)));
  try {
    return start();
  } finally {
    process.env = own;
  }
}

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
