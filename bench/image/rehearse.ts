import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { runProgram } from '../../native/programs.ts';
import { baseArchive } from './base.ts';
import { type BuiltImage, buildImage, imageFolder } from './build.ts';
import { type Inside, outputOf, runInside, startInside } from './chroot.ts';

const dockerfile = fileURLToPath(new URL('../../deploy/docker/Dockerfile', import.meta.url));
const patienceMs = 10 * 60_000;
/** Who an image runs as: its own user, and a number that a cluster chose. */
const users = [
  { who: "the image's user", uid: 10001, gid: 10001 },
  { who: 'another uid of group 0', uid: 54321, gid: 0 },
] as const;

/**
 * Carries out deploy/docker/Dockerfile, instruction by instruction, in chroots of a Debian that stands for the base image; then runs the image as its user,
 * with a read-only root and without capabilities: `contrail doctor`, a server and a worker, a training of one epoch, and one that is stopped by SIGTERM.
 * Takes root and mmdebstrap, and registries of packages.
 */
export async function benchImage(): Promise<object[]> {
  if (process.getuid?.() !== 0) throw new Error('a chroot takes root');
  const folder = await imageFolder();
  const rows: object[] = [];
  const tell = (what: string, seconds: number, found = '') => {
    process.stderr.write(`  ${what}: ${seconds.toFixed(1)} s ${found}\n`);
    rows.push({ what, seconds, found });
  };
  try {
    const base = await baseArchive(folder);
    const image = await buildImage(dockerfile, folder, base, { DEVICE: 'cpu' }, await secretsOfHere(), (step) =>
      tell(`${step.stage}: ${step.instruction.slice(0, 70)}`, step.seconds),
    );
    await rm(join(folder, 'build'), { recursive: true, force: true });
    const [bytes = ''] = (await runProgram('du', ['--summarize', '--bytes', image.root])).split('\t');
    tell('the image', 0, `${(Number(bytes) / 1e9).toFixed(2)} GB`);
    for (const { who, uid, gid } of users)
      await tryImage(image, join(folder, `home-${uid}`), { uid, gid }, (what, seconds, found) =>
        tell(`${who}: ${what}`, seconds, found),
      );
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const doctorSchema = z.object({ checks: z.array(z.object({ part: z.string(), ok: z.boolean(), found: z.string() })) });

async function tryImage(
  image: BuiltImage,
  home: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
  tell: (what: string, seconds: number, found?: string) => void,
): Promise<void> {
  await mkdir(home);
  // As a volume that is made from the image's folder.
  await chown(home, 10001, 0);
  await chmod(home, 0o770);
  await writeFile(join(home, 'small.yaml'), pipeline, { mode: 0o644 });
  // In a container it would be the first process.
  const environment = { ...image.environment, TINI_SUBREAPER: '' };
  const inside: Inside = { ...image, environment, uid, gid, home };
  const contrail = async (...args: string[]) => {
    const began = performance.now();
    const said = await runInside(inside, [...image.entryPoint, ...args]);
    return { said, seconds: (performance.now() - began) / 1000 };
  };
  const version = await contrail('--version');
  tell('contrail --version', version.seconds, version.said.trim());
  const doctor = await contrail('doctor', '--json');
  const { checks } = doctorSchema.parse(JSON.parse(doctor.said));
  tell('contrail doctor', doctor.seconds, checks.map(({ part, found }) => `${part}: ${found}`).join('; '));

  const dev = startInside(inside, [...image.entryPoint, 'dev']);
  const said = outputOf(dev);
  const ended = new Promise<number | null>((resolve) => dev.once('close', resolve));
  const log = () => readIfThere(join(home, 'logs', 'worker.out.log'));
  try {
    const began = performance.now();
    await until(
      () => log().includes('worker ready'),
      dev,
      () => said() + log(),
    );
    tell('contrail dev, until its worker is ready', (performance.now() - began) / 1000);
    const one = await contrail('run', '/var/lib/contrail/small.yaml', '--id', 'one');
    tell('a training of one epoch', one.seconds, one.said.trim().split('\n').at(-1));
    await contrail('run', '/var/lib/contrail/small.yaml', '--id', 'two', '--set', 'epochs=5000', '--detach');
    await until(() => checkpointsOf(home, 'two').length > 0, dev, log);
  } finally {
    const stopped = performance.now();
    dev.kill('SIGTERM');
    const code = await ended;
    const lines = log()
      .split('\n')
      .filter((line) => /^Stopp/.test(line));
    tell(
      'SIGTERM during a training',
      (performance.now() - stopped) / 1000,
      `exit ${code}; ${lines.join(' ')} ${checkpointsOf(home, 'two').at(-1)}`,
    );
  }
}

const pipeline = `name: small
params: { epochs: 1 }
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { classes: 4, images: 640 } } }
  pretrain:
    uses: pretrain
    needs: [data]
    with:
      encoder: { name: small-resnet, channels: 8, blocks: [1, 1] }
      projection: { hidden: 32, output: 16 }
      epochs: "\${params.epochs}"
`;

/** Names of the checkpoints of a run's training, in order. */
function checkpointsOf(home: string, run: string): readonly string[] {
  const folder = join(home, 'store', 'runs', run, 'steps', 'pretrain', 'checkpoints');
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

const readIfThere = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '');

async function until(isSo: () => boolean, program: ChildProcess, said: () => string): Promise<void> {
  for (const began = performance.now(); !isSo(); await sleep(500))
    if (program.exitCode !== null || performance.now() - began > patienceMs)
      throw new Error(`it ended, or took too long: ${said().slice(-2000)}`);
}

/** Authorities of this machine's own, where it has some, for npm and pip: given to the build as Docker gives secrets. */
async function secretsOfHere(): Promise<Readonly<Record<string, string>>> {
  const bundle = process.env.NODE_EXTRA_CA_CERTS;
  if (bundle === undefined) return {};
  return {
    ca: await readFile(bundle, 'utf8'),
    npmrc: 'cafile=/run/secrets/ca\n',
    pip: '[global]\ncert = /run/secrets/ca\n',
  };
}
