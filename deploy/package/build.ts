import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { codeDigest } from '../../home/environment.ts';
import { compile } from '../../native/compile.mjs';
import { root } from '../../native/root.mjs';
import { bundledWorkflows, type WorkflowKind, workflowFile, workflowKinds } from '../../worker/workflow-bundle.ts';
import { bundled, bundledManifest, cloneSchema, lockOfPackage, packageManifest } from './manifest.ts';

/** Folders of which the package has what is not TypeScript of ours, as it is: programs, pages, pipelines, documentation. */
const asTheyAre = ['cli', 'docs', 'native', 'own-steps', 'payloads', 'pipelines', 'serving', 'worker'];
const besides = ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md'];
/** What only a clone needs, or is large. */
const leftOut = /^docs\/results\/|^native\/(install|test)\.mjs$|tsconfig\.json$/;
/** Files of a user's own, which tsx runs. */
const ownPrograms = 'pipelines/steps/';
/** What is run of tfjs-node, and what its binding is compiled from. */
const partsOfBundled = ['README.md', 'binding', 'dist'];

/** Runs a program with the clone as its folder. @returns what it printed */
const run = (program: string, args: readonly string[], cwd = root) =>
  execFileSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: childEnvironment(process.env, 'set-up'),
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 2 ** 20,
  });

const write = (path: string, content: string) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
};

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** The files of the package that are in the clone. */
function filesAsTheyAre(): readonly string[] {
  const tracked = run('git', ['ls-files', '-z', '--', ...asTheyAre, ...besides]).split('\0');
  return tracked.filter(
    (path) => path !== '' && !leftOut.test(path) && (!path.endsWith('.ts') || path.startsWith(ownPrograms)),
  );
}

/**
 * Makes the package that `npm install` takes: our code compiled, with types and source maps, the workflows as Temporal runs them, what is
 * not TypeScript as it is, and the versions of all that it needs.
 *
 * @param to the folder that gets the archive
 * @returns the archive's path
 */
export async function buildPackage(to: string): Promise<string> {
  const temporary = mkdtempSync(join(tmpdir(), 'contrail-package-'));
  // npm takes the name of a folder for that of what is in it.
  const folder = join(temporary, 'contrail');
  try {
    const dist = join(folder, 'dist');
    await compile(dist, { movable: true });
    run(process.execPath, [typescript(), '-p', 'deploy/package', '--outDir', join(dist, 'types')]);
    for (const kind of workflowKinds) write(join(dist, workflowFile(kind)), await codeOf(kind));
    for (const path of filesAsTheyAre()) cpSync(join(root, path), join(folder, path));
    const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));
    const clone = cloneSchema.parse({ manifest: read('package.json'), lock: read('package-lock.json') });
    write(join(folder, 'package.json'), json(packageManifest(clone)));
    const theirs = join('node_modules', bundled);
    write(join(folder, 'package-lock.json'), json(lockOfPackage(clone)));
    write(join(folder, 'sbom.json'), json(billOfMaterials(folder)));
    for (const part of partsOfBundled)
      cpSync(join(root, theirs, part), join(folder, theirs, part), { recursive: true });
    write(join(folder, theirs, 'package.json'), json(bundledManifest(read(join(theirs, 'package.json')), clone)));
    // It says that the folder is a package, so it comes last.
    write(join(dist, 'compilation.json'), json({ code: codeDigest() }));
    const packed = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], folder)) as readonly [
      { readonly filename: string },
    ];
    const archive = resolve(to, packed[0].filename);
    mkdirSync(dirname(archive), { recursive: true });
    cpSync(join(folder, packed[0].filename), `${archive}.part`);
    renameSync(`${archive}.part`, archive);
    return archive;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The workflows of a kind as Temporal runs them. */
async function codeOf(kind: WorkflowKind): Promise<string> {
  const bundle = await bundledWorkflows((message) => void process.stderr.write(`${message}\n`), kind);
  return 'code' in bundle ? bundle.code : readFileSync(bundle.codePath, 'utf8');
}

/** What the package needs, as CycloneDX: the same for the same package. */
function billOfMaterials(folder: string): object {
  const bill = z
    .looseObject({ metadata: z.looseObject({}) })
    .parse(JSON.parse(run('npm', ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'], folder)));
  return { ...bill, serialNumber: undefined, metadata: { ...bill.metadata, timestamp: undefined } };
}

const typescript = () => {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
};
