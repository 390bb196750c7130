import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const here = fileURLToPath(new URL('../..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'contrail-load-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const main = `import { greeting } from '../contracts/greeting.ts';
interface Said { readonly text: string; readonly from: string; readonly arguments: readonly string[] }
const said: Said = { text: greeting, from: import.meta.url, arguments: process.argv.slice(2) };
if (greeting === 'fail') throw new Error('as it was told');
console.log(JSON.stringify(said));
`;
const greeting = (text: string) => `export const greeting: string = '${text}';\n`;

/** A project with the loader of this one, and small programs. */
async function makeProject(name: string) {
  const root = join(folder, name);
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  await write('package.json', '{ "type": "module" }');
  await write('package-lock.json', '{}');
  await write('contracts/greeting.ts', greeting('hello'));
  await write('cli/main.ts', main);
  for (const path of [
    'worker/trainer',
    'worker/exporter',
    'report/thread/thread',
    'datasets/table/thread/thread',
    'datasets/decode-pool/thread',
    'datasets/decoders/process',
    'workflows/index',
    'vectors/search/thread',
    'vectors/process/program',
    'serving/process/serve-model',
    'serving/process/beat-thread',
    'own-steps/child',
  ])
    await write(`${path}.ts`, 'export {};\n');
  await write('training/checkpoint-writer/thread.ts', 'export {};\n');
  await write('payloads/failure-converter.cjs', '');
  for (const file of ['root.mjs', 'compile.mjs', 'load.mjs', 'run.mjs'])
    await cp(join(here, 'native', file), join(root, 'native', file));
  await symlink(join(here, 'node_modules'), join(root, 'node_modules'));
  return { root, write };
}

const runMain = (root: string, ...args: string[]) => runMainIn({}, root, ...args);

async function runMainIn(env: NodeJS.ProcessEnv, root: string, ...args: string[]) {
  const program = [join(root, 'native', 'run.mjs'), join(root, 'cli', 'main.ts'), ...args];
  const { stdout } = await promisify(execFile)(process.execPath, program, {
    env: { ...process.env, CONTRAIL_COMPILATION: undefined, ...env },
  });
  return JSON.parse(stdout) as { readonly text: string; readonly from: string; readonly arguments: readonly string[] };
}

const compilations = async (root: string) =>
  (await readdir(join(root, '.native', 'compiled'))).filter((name) => name !== 'latest.json');

describe('a program of ours', () => {
  it('is compiled once, and again when a source has changed', async () => {
    const { root, write } = await makeProject('changed');
    expect((await runMain(root)).text).toBe('hello');
    expect((await runMain(root)).text).toBe('hello');
    expect(await compilations(root)).toHaveLength(1);
    await write('contracts/greeting.ts', greeting('other'));
    expect((await runMain(root)).text).toBe('other');
    expect(await compilations(root)).toHaveLength(2);
  });

  it('is not compiled again where its sources have other times, as in an image or a copy', async () => {
    const { root, write } = await makeProject('copied');
    await runMain(root);
    for (const path of ['cli/main.ts', 'contracts/greeting.ts', 'package-lock.json', 'native/load.mjs'])
      await utimes(join(root, path), 1_700_000_000, 1_700_000_000);
    expect((await runMain(root)).text).toBe('hello');
    expect(await compilations(root)).toHaveLength(1);
    // Of the same size, and of a time that says nothing.
    await write('contracts/greeting.ts', greeting('jello'));
    await utimes(join(root, 'contracts/greeting.ts'), 1_700_000_000, 1_700_000_000);
    expect((await runMain(root)).text).toBe('jello');
    expect(await compilations(root)).toHaveLength(2);
  });

  it('is compiled by a process without the keys and tokens of the one that starts it', async () => {
    const { root, write } = await makeProject('secrets');
    const bundler = createRequire(import.meta.resolve('tsx')).resolve('esbuild/bin/esbuild');
    await write('bundler', `#!/bin/sh\nenv > "${root}/environment"\nexec "${bundler}" "$@"\n`);
    await chmod(join(root, 'bundler'), 0o755);
    const env = { ESBUILD_BINARY_PATH: join(root, 'bundler'), HF_TOKEN: 'hf_secret', TEMPORAL_API_KEY: 'key' };
    expect((await runMainIn(env, root)).text).toBe('hello');
    const given = await readFile(join(root, 'environment'), 'utf8');
    expect(given).toMatch(/^PATH=/m);
    expect(given).not.toMatch(/HF_TOKEN|TEMPORAL_API_KEY/);
  });

  it('and those that it starts run what it runs, though a source has changed meanwhile', async () => {
    const { root, write } = await makeProject('under-way');
    await runMain(root);
    const [name] = await compilations(root);
    await write('contracts/greeting.ts', greeting('newer'));
    expect((await runMainIn({ CONTRAIL_COMPILATION: name }, root)).text).toBe('hello');
    expect((await runMainIn({ CONTRAIL_COMPILATION: '../cli' }, root)).text).toBe('newer');
    expect((await runMain(root)).text).toBe('newer');
    await write(
      'cli/main.ts',
      'console.log(JSON.stringify({ text: process.env.CONTRAIL_COMPILATION, from: "", arguments: [] }));',
    );
    const { text } = await runMain(root);
    expect(await compilations(root)).toContain(text);
  });

  it('gets its arguments, and knows where its source is', async () => {
    const { root } = await makeProject('place');
    const { from, arguments: got } = await runMain(root, 'one', '--two');
    expect(fileURLToPath(from)).toBe(join(root, 'cli', 'main.ts'));
    expect(got).toEqual(['one', '--two']);
  });

  it('names its source and line in an error', async () => {
    const { root, write } = await makeProject('error');
    await write('contracts/greeting.ts', greeting('fail'));
    await expect(runMain(root)).rejects.toThrow(/as it was told[\s\S]*cli\/main\.ts:4/);
  });

  it('is compiled again where the installation was moved', async () => {
    const { root } = await makeProject('before');
    await runMain(root);
    await rename(root, join(folder, 'after'));
    const { from } = await runMain(join(folder, 'after'));
    expect(fileURLToPath(from)).toBe(join(folder, 'after', 'cli', 'main.ts'));
  });

  it.each([
    ['nothing can be written', '.native', 'a file where the folder would be'],
    ['another program has a fault', 'worker/trainer.ts', 'import "./missing.ts";'],
  ])('runs without being compiled where %s', async (_, path, text) => {
    const { root, write } = await makeProject(`as-it-is-${path.length}`);
    await write(path, text);
    expect((await runMain(root)).text).toBe('hello');
    await expect(compilations(root)).rejects.toThrow(/ENOENT|ENOTDIR/);
  });

  it('keeps ten compilations, for processes that began earlier', async () => {
    const { root, write } = await makeProject('many');
    await mkdir(join(root, '.native', 'compiled'), { recursive: true });
    for (let index = 0; index < 12; index++) await mkdir(join(root, '.native', 'compiled', `old-${index}`));
    await write('contracts/greeting.ts', greeting('newest'));
    expect((await runMain(root)).text).toBe('newest');
    expect(await compilations(root)).toHaveLength(10);
    expect((await runMain(root)).text).toBe('newest');
  });
});
