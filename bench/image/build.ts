import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, lstat, mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { root as sources } from '../../native/paths.ts';
import { runProgram } from '../../native/programs.ts';
import { runInside } from './chroot.ts';
import { contextFilter } from './context.ts';
import { type Instruction, readDockerfile, type Stage } from './dockerfile.ts';

/** What an image says of how it is run. */
export interface BuiltImage {
  readonly root: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingFolder: string;
  readonly user: string;
  readonly entryPoint: readonly string[];
}

/** An instruction that took time. */
export interface BuiltStep {
  readonly stage: string;
  readonly instruction: string;
  readonly seconds: number;
}

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Builds an image as a folder: each instruction of a Dockerfile is carried out, RUN by RUN, in a chroot. Not known are those that ours has no use for.
 *
 * @param base an archive of the file system of the base
 * @param given the values of ARGs
 * @param secrets contents of files, by the ids that `RUN --mount=type=secret` names
 */
export async function buildImage(
  dockerfile: string,
  folder: string,
  base: string,
  given: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
  onStep: (step: BuiltStep) => void,
): Promise<BuiltImage> {
  const stages = readDockerfile(await readFile(dockerfile, 'utf8'));
  const built = new Map<string, BuiltImage>();
  let last: BuiltImage | undefined;
  for (const [at, stage] of stages.entries()) {
    last = await buildStage(stage, join(folder, stage.name ?? String(at)), base, { given, secrets, built, onStep });
    if (stage.name !== null) built.set(stage.name, last);
  }
  if (!last) throw new Error('the Dockerfile has no FROM');
  return last;
}

interface Building {
  readonly given: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly built: ReadonlyMap<string, BuiltImage>;
  readonly onStep: (step: BuiltStep) => void;
}

async function buildStage(stage: Stage, root: string, base: string, building: Building): Promise<BuiltImage> {
  await mkdir(root, { recursive: true });
  await runProgram('tar', ['--extract', '--numeric-owner', `--file=${base}`, `--directory=${root}`]);
  // As Docker does while it builds.
  if (existsSync('/etc/resolv.conf')) await copyFile('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
  const args: Record<string, string> = {};
  let image: BuiltImage = { root, environment: { PATH: path }, workingFolder: '/', user: '0', entryPoint: [] };
  for (const instruction of stage.instructions) {
    const { name, text } = instruction;
    const began = performance.now();
    if (name === 'ARG') {
      const [key = '', value = ''] = text.split('=');
      args[key] = building.given[key] ?? value;
    } else if (name === 'ENV') {
      const pairs = [...text.matchAll(/(\w+)=(\S+)/g)].map(([, key = '', value = '']) => [key, value]);
      image = { ...image, environment: { ...image.environment, ...Object.fromEntries(pairs) } };
    } else if (name === 'WORKDIR') {
      image = { ...image, workingFolder: resolve(image.workingFolder, text) };
      await mkdir(join(root, image.workingFolder), { recursive: true });
    } else if (name === 'USER') image = { ...image, user: text };
    else if (name === 'ENTRYPOINT') image = { ...image, entryPoint: JSON.parse(text) as string[] };
    else if (name === 'COPY') await copy(instruction, image, building.built);
    else if (name === 'RUN') await run(instruction, image, args, building.secrets);
    else if (!['EXPOSE', 'CMD'].includes(name)) throw new Error(`${name} is not understood`);
    if (name === 'RUN' || name === 'COPY')
      building.onStep({
        stage: stage.name ?? 'image',
        instruction: `${name} ${text.replaceAll(/\s+/g, ' ')}`,
        seconds: (performance.now() - began) / 1000,
      });
  }
  return image;
}

async function run(
  { flags, text }: Instruction,
  { root, environment, workingFolder }: BuiltImage,
  args: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
): Promise<void> {
  const mounts = (flags.mount ?? []).map((mount) =>
    Object.fromEntries(mount.split(',').map((pair) => pair.split('=') as [string, string])),
  );
  const files: string[] = [];
  try {
    for (const { type, id = '', target = `/run/secrets/${id}` } of mounts) {
      if (type !== 'secret') throw new Error(`a mount of type ${type} is not understood`);
      const content = secrets[id];
      if (content === undefined) continue;
      await mkdir(dirname(join(root, target)), { recursive: true });
      await writeFile(join(root, target), content, { mode: 0o400, flag: 'wx' });
      files.push(join(root, target));
    }
    const inside = {
      root,
      workingFolder,
      uid: 0,
      gid: 0,
      home: null,
      environment: { HOME: '/root', ...environment, ...args },
    };
    await runInside(inside, ['/bin/sh', '-c', text]);
  } finally {
    for (const file of files) await rm(file);
  }
}

async function copy(
  { flags, text }: Instruction,
  image: BuiltImage,
  built: ReadonlyMap<string, BuiltImage>,
): Promise<void> {
  const words = text.split(/\s+/);
  const target = join(image.root, resolve(image.workingFolder, words.pop() ?? ''));
  const [from] = flags.from ?? [];
  const stage = from === undefined ? null : built.get(from);
  if (stage === undefined) throw new Error(`there is no stage ${from}`);
  if (stage) {
    for (const word of words) await throughLayer(join(stage.root, word), target);
    return;
  }
  const isInContext = contextFilter(await readFile(join(sources, '.dockerignore'), 'utf8'));
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: sources,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => file !== '' && isInContext(file) && existsSync(join(sources, file)));
  for (const word of words) {
    const chosen = files.filter((file) => word === '.' || file === word || file.startsWith(`${word}/`));
    if (chosen.length === 0) throw new Error(`COPY ${word} finds nothing`);
    // The content of a folder goes into the target; a file keeps its name.
    for (const file of chosen) {
      const name = word === '.' || file === word ? file : file.slice(word.length + 1);
      await copyOne(join(sources, file), join(target, name));
    }
  }
}

async function copyOne(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  if ((await lstat(from)).isSymbolicLink()) await symlink(await readlink(from), to);
  else await runProgram('cp', ['--preserve=mode,timestamps', '--', from, to]);
}

/** Layers are archives in which times have whole seconds. */
async function throughLayer(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const pack = spawn('tar', ['--create', '--format=gnu', '--numeric-owner', `--directory=${from}`, '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
  });
  const unpack = spawn('tar', ['--extract', '--numeric-owner', `--directory=${to}`], {
    stdio: [pack.stdout, 'inherit', 'inherit'],
    env: { PATH: process.env.PATH },
  });
  const codes = await Promise.all([pack, unpack].map((child) => new Promise((done) => child.once('exit', done))));
  if (codes.some((code) => code !== 0)) throw new Error(`${from} could not be copied`);
}

/** A folder for an image, which may be large. */
export const imageFolder = (): Promise<string> => mkdtemp(join('/var/tmp', 'contrail-image-'));
