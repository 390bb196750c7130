/** The package, as `npm install` takes it into an empty folder. */
import { execFile, spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { buildPackage } from '../../deploy/package/build.ts';
import { codeDigest } from '../../home/environment.ts';
import { nativeFolder, root } from '../../native/paths.ts';

const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string };

let folder = '';
const inFolder = (...path: string[]) => join(folder, ...path);
const environment = () => ({
  ...process.env,
  CONTRAIL_CACHE: nativeFolder,
  CONTRAIL_HOME: inFolder('home'),
  CONTRAIL_STORE: undefined,
  CONTRAIL_COMPILATION: undefined,
  TEMPORAL_ADDRESS: undefined,
  NO_COLOR: '1',
});

/** Runs a program in the folder; gives its exit code, and all that it wrote. */
const run = (program: string, ...args: string[]) =>
  new Promise<{ readonly code: number; readonly text: string }>((resolve) => {
    execFile(program, args, { cwd: folder, env: environment(), maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, text: stdout + stderr }),
    );
  });
const contrail = (...args: string[]) => run(inFolder('node_modules', '.bin', 'contrail'), ...args);

let installed = { code: 1, text: '' };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-installed-'));
  await writeFile(inFolder('package.json'), '{ "type": "module" }');
  const archive = await buildPackage(folder);
  installed = await run(
    'npm',
    ...['install', '--prefer-offline', '--foreground-scripts', '--ignore-scripts=false', archive],
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('is installed with scripts of packages, of which none fetches a library', () => {
  expect(installed).toMatchObject({ code: 0 });
  expect(installed.text).not.toMatch(/libtensorflow|storage\./);
});

it('is of the same code as the clone, compiled', async () => {
  const compilation = await readFile(inFolder('node_modules/contrail/dist/compilation.json'), 'utf8');
  expect(JSON.parse(compilation)).toEqual({ code: codeDigest() });
  expect(await contrail('--version')).toEqual({ code: 0, text: `${version}\n` });
});

it('finds what set-up made, and TensorFlow computes', async () => {
  const { code, text } = await contrail('doctor', '--json');
  expect({ code, missing: text.match(/"missing"/g) }).toEqual({ code: 0, missing: null });
  expect(text).toMatch(/computes on the/);
});

it('gives its types to pipelines and steps in TypeScript, and reads them', async () => {
  await writeFile(
    inFolder('seeds.ts'),
    `import { definePipeline } from 'contrail/define';
export default definePipeline({ name: 'seeds', params: { epochs: 3 } }, ({ params, step }) => {
  const data = step('data', { uses: 'prepare-data', with: { dataset: 'fashion-mnist' } });
  step('pretrain', { uses: 'pretrain', needs: [data], with: { epochs: params.epochs } });
});
`,
  );
  await writeFile(
    inFolder('step.ts'),
    `import { createDatasetWriter, type GivenImage } from 'contrail/dataset';
import { defineStep, z } from 'contrail/define';
const images: readonly GivenImage[] = [];
export default defineStep({
  with: z.object({ size: z.int() }),
  result: z.object({ size: z.int(), images: z.int(), writer: z.string() }),
  run: async ({ parameters }) => ({ size: parameters.size, images: images.length, writer: typeof createDatasetWriter }),
});
`,
  );
  await writeFile(
    inFolder('wrong.ts'),
    `import { definePipeline } from 'contrail/define';\nexport default definePipeline({ nome: 'x' }, () => {});\n`,
  );
  const compiler = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
  const check = (...files: string[]) =>
    run(
      process.execPath,
      compiler,
      ...['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'],
      ...['--typeRoots', join(root, 'node_modules', '@types'), ...files],
    );
  expect(await check('seeds.ts', 'step.ts')).toEqual({ code: 0, text: '' });
  expect((await check('wrong.ts')).text).toMatch(/'nome' does not exist/);
  expect((await contrail('validate', 'seeds.ts')).text).toBe(
    'seeds.ts is valid: data (prepare-data), pretrain (pretrain)\n',
  );
});

it('runs a pipeline to its end: workflows, steps of the user, trainings, report', async () => {
  await cp(inFolder('node_modules/contrail/pipelines'), inFolder('own'), { recursive: true });
  const dev = spawn(inFolder('node_modules', '.bin', 'contrail'), ['dev'], { cwd: folder, env: environment() });
  const said: string[] = [];
  for (const stream of [dev.stdout, dev.stderr]) stream.on('data', (data) => said.push(String(data)));
  const ended = new Promise((resolve) => dev.once('exit', resolve));
  // Also where the test takes too long.
  onTestFinished(async () => {
    dev.kill('SIGINT');
    await ended;
  });
  while (!said.join('').includes('Ctrl-C stops')) {
    if (dev.exitCode !== null) throw new Error(said.join(''));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { code, text } = await contrail('run', 'own/own-steps.yaml', '--set', 'images=30', '--set', 'epochs=1');
  expect({ code, text }).toMatchObject({ code: 0, text: expect.stringMatching(/evaluate: done .*top1/) });
});
