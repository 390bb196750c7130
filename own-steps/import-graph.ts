import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { inChildEnvironment } from '../contracts/child-environment.ts';

/** As much of esbuild as is used; tsx, which runs what is looked at here, brings it. */
interface Bundler {
  readonly buildSync: (options: object) => { readonly metafile: Metafile };
}
interface Metafile {
  readonly inputs: Readonly<Record<string, { readonly imports: readonly Imported[] }>>;
}
interface Imported {
  readonly path: string;
  readonly external?: boolean;
}

const bundler = () => createRequire(fileURLToPath(import.meta.resolve('tsx')))('esbuild') as Bundler;

const messagesSchema = z.object({
  errors: z.array(
    z.object({
      text: z.string(),
      location: z.object({ file: z.string(), line: z.int(), column: z.int() }).nullable(),
    }),
  ),
});

/** What a file imports, by itself and through others. */
export interface ImportGraph {
  /** Files in the folder, by their paths in it, the file itself among them. */
  readonly files: readonly string[];
  /** The installed version of each npm package. */
  readonly packages: Readonly<Record<string, string>>;
}

/**
 * Finds what a file imports, without running any of it.
 *
 * @param root the folder that all of it must be in
 */
export function importGraph(root: string, file: string): ImportGraph | { readonly problem: string } {
  let metafile: Metafile;
  try {
    const { buildSync } = bundler();
    const options = {
      absWorkingDir: realpathSync(root),
      entryPoints: [file],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
      logLevel: 'silent',
    };
    ({ metafile } = inChildEnvironment('server', () => buildSync(options)));
  } catch (error) {
    const parsed = messagesSchema.safeParse(error);
    const [first] = parsed.success ? parsed.data.errors : [];
    if (!first) return { problem: `it cannot be read: ${error instanceof Error ? error.message : String(error)}` };
    const { location, text } = first;
    return { problem: location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : text };
  }
  const files = Object.keys(metafile.inputs).sort();
  const outside = files.find((each) => each.startsWith('..') || isAbsolute(each) || each.includes(':'));
  if (outside !== undefined)
    return { problem: `${outside} is imported, which lies outside the folder of the pipeline` };
  const names = Object.values(metafile.inputs).flatMap(({ imports }) =>
    imports.flatMap(({ path, external }) => (external && !isBuiltin(path) ? [packageOf(path)] : [])),
  );
  const packages: Record<string, string> = {};
  for (const name of [...new Set(names)].sort()) {
    if (name === 'contrail') continue;
    const found = findPackage(name, dirname(join(root, file)));
    if (!found) return { problem: `it imports ${name}, which is not installed: \`npm install ${name}\`` };
    packages[name] = found.version;
  }
  return { files, packages };
}

const packageOf = (path: string): string => path.split('/', path.startsWith('@') ? 2 : 1).join('/');

/** The folder of this installation of Contrail. */
export const installation = fileURLToPath(new URL('..', import.meta.url));

const manifestSchema = z.object({ version: z.string() });

/** Where a package is installed: beside a file or above it, else with Contrail itself. */
export function findPackage(name: string, from: string): { readonly folder: string; readonly version: string } | null {
  for (const start of [realpathSync(from), installation])
    for (let at = start; ; at = dirname(at)) {
      const folder = join(at, 'node_modules', name);
      const manifest = join(folder, 'package.json');
      if (existsSync(manifest))
        return { folder, version: manifestSchema.parse(JSON.parse(readFileSync(manifest, 'utf8'))).version };
      if (relative(at, dirname(at)) === '') break;
    }
  return null;
}
