// Plain JavaScript on Node's own modules and esbuild: it turns our TypeScript into few files that Node runs.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { packaged, root } from './root.mjs';

/** What processes and threads of ours begin with. */
export const entries = [
  'cli/main.ts',
  'worker/trainer.ts',
  'worker/exporter.ts',
  'report/thread/thread.ts',
  'vectors/search/thread.ts',
  'vectors/process/program.ts',
  'serving/process/serve-model.ts',
  'serving/process/beat-thread.ts',
  'own-steps/child.ts',
  'datasets/table/thread/thread.ts',
  'training/checkpoint-writer/thread.ts',
  'datasets/decode-pool/thread.ts',
  'datasets/decoders/process.ts',
  // Temporal compiles the workflows by itself; what it gives is kept beside the rest, so that their sources count as well.
  'workflows/index.ts',
];
/** What people's own files import from a package; in a clone they import its source. */
const exported = ['pipelines/define.ts', 'pipelines/dataset.ts'];
/** What a package has compiled into its own code, because every command reads it: a few files are read sooner than hundreds. The rest stays in npm's packages. */
const inlined = ['zod', 'yaml', 'commander', '@marcbachmann/cel-js', '@dagrejs/dagre', 'picocolors'];
/** What counts as a source besides: this, what npm installed, and how failures of workflows are encoded. */
const others = [
  'native/root.mjs',
  'native/compile.mjs',
  'native/load.mjs',
  'package-lock.json',
  'payloads/failure-converter.cjs',
];

/**
 * A source as it was compiled: its size and time tell at a glance that it is the same, its digest after it was copied.
 *
 * @typedef {{ readonly state: string, readonly digest: string }} Source
 */

/**
 * Compiles this installation.
 *
 * @param {string} folder
 * @param {{ movable?: boolean }} [options] whether the folder will be elsewhere, in a package, rather than name this place
 * @returns {Promise<Record<string, Source>>} the sources, by their paths
 */
export async function compile(folder, { movable = false } = {}) {
  const { build } = /** @type {typeof import('esbuild')} */ (
    createRequire(fileURLToPath(import.meta.resolve('tsx')))('esbuild')
  );
  /** @type {Record<string, Source>} */
  const sources = Object.fromEntries(
    others.map((path) => [path, { state: stateOf(path), digest: digestOf(readFileSync(join(root, path))) }]),
  );
  const inside = movable ? inlined : [];
  const options = /** @satisfies {import('esbuild').BuildOptions} */ ({
    absWorkingDir: root,
    entryPoints: movable ? [...entries, ...exported] : entries,
    outbase: root,
    // Where a package will have it: source maps name their sources from there.
    outdir: movable ? packaged : folder,
    write: !movable,
    bundle: true,
    splitting: true,
    ...(movable
      ? {
          minifyWhitespace: true,
          minifySyntax: true,
          // What is CommonJS among them asks for Node's own modules by this.
          banner: {
            js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(${ownUrl});`,
          },
        }
      : {}),
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    logLevel: 'silent',
    plugins: [
      {
        name: 'sources',
        setup: (/** @type {import('esbuild').PluginBuild} */ { onLoad, onResolve }) => {
          onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === 'entry-point' || inside.includes(packageOf(path)) ? null : { path, external: true },
          );
          onLoad({ filter: /\.(ts|mjs)$/ }, async ({ path }) => {
            const name = relative(root, path);
            if (name.split('/').includes('node_modules')) return null;
            const state = stateOf(name);
            const text = await readFile(path, 'utf8');
            sources[name] = { state, digest: digestOf(text) };
            return { contents: atItsSource(text, name, movable), loader: path.endsWith('.ts') ? 'ts' : 'js' };
          });
        },
      },
    ],
  });
  const { outputFiles = [] } = await inPlainEnvironment(() => build(options));
  for (const { path, contents } of outputFiles) {
    const file = join(folder, relative(packaged, path));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
  return sources;
}

/** As it stands in a source. */
const ownUrl = ['import', 'meta', 'url'].join('.');

/** @param {string} path of an import */
const packageOf = (path) => path.split('/', path.startsWith('@') ? 2 : 1).join('/');

/** What is beside a source stays beside it. @param {string} text @param {string} name @param {boolean} movable */
function atItsSource(text, name, movable) {
  if (!text.includes(ownUrl)) return text;
  if (!movable) return text.replaceAll(ownUrl, JSON.stringify(pathToFileURL(join(root, name)).href));
  return `import { urlOf as __urlOf } from '#root'; ${text.replaceAll(ownUrl, `__urlOf(${JSON.stringify(name)})`)}`;
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

/** @param {string} path */
export function stateOf(path) {
  const { size, mtimeNs } = statSync(join(root, path), { bigint: true });
  return `${size} ${mtimeNs}`;
}

/** @param {Uint8Array | string} content */
export const digestOf = (content) => createHash('sha256').update(content).digest('hex');
