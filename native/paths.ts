import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { ContrailError } from '../contracts/errors.ts';
import { temporalVersion, tensorflowVersion } from './pins.ts';
import { isPackage, root } from './root.mjs';

export { root };

/** Everything that set-up fetches or builds. */
export const nativeFolder = nativeFolderOf(process.env);
/** The folder of tfjs-node, wherever npm put it. */
export const bindingPackage = dirname(packageManifest('@tensorflow/tfjs-node-gpu'));
export const deviceFile = join(nativeFolder, 'device');
export const cudaFolder = join(nativeFolder, 'cuda-12');

export type Device = 'cpu' | 'gpu';

/**
 * The folder that `CONTRAIL_CACHE` names. Without it a clone has one of its own, and all packages of a user share one in the user's cache:
 * npm removes what lies in a package when it updates it, and may have installed it where the user cannot write.
 */
export function nativeFolderOf(environment: NodeJS.ProcessEnv, isInPackage: boolean = isPackage): string {
  const { CONTRAIL_CACHE: named, XDG_CACHE_HOME: cache } = environment;
  if (named) return resolve(named);
  if (!isInPackage) return join(root, '.native');
  return join(cache && isAbsolute(cache) ? cache : join(homedir(), '.cache'), 'contrail');
}

/** The package.json of a package that npm installed for us. */
export function packageManifest(name: string): string {
  return createRequire(import.meta.url).resolve(`${name}/package.json`);
}

/** The variable that names the device without which a trainer does not train; `any` is content with each. */
const requiredDevice = 'CONTRAIL_DEVICE';
/** The variable that gives a CPU several devices, to try on it what is meant for several GPUs. */
const cpuDevices = 'CONTRAIL_CPU_DEVICES';

export const tensorflowFolder = (device: Device): string =>
  join(nativeFolder, `tensorflow-${tensorflowVersion}-${device}`);
export const temporalFolder: string = join(nativeFolder, `temporal-${temporalVersion}`);

/** The device that TensorFlow was set up for; null before set-up. */
export function chosenDevice(): Device | null {
  if (!existsSync(deviceFile)) return null;
  return readFileSync(deviceFile, 'utf8').trim() === 'gpu' ? 'gpu' : 'cpu';
}

/**
 * The Temporal binary.
 *
 * @throws ContrailError SetupFailed before set-up
 */
export function temporalBinary(): string {
  const binary = join(temporalFolder, 'temporal');
  if (!existsSync(binary))
    throw new ContrailError('SetupFailed', 'The Temporal binary is not set up. Run `contrail setup`.');
  return binary;
}

/**
 * Environment of the trainer: quiet logs and the device that is demanded; where the GPU was chosen that is the GPU, and there are
 * CUDA's libraries on the path and operations that give the same bits every time.
 */
export function trainerEnvironment(device: Device | null = chosenDevice()): Record<string, string> {
  const required = process.env[requiredDevice] ?? (device === 'gpu' ? 'gpu' : undefined);
  const cpus = process.env[cpuDevices];
  const common = {
    ...(cpus === undefined ? {} : { [cpuDevices]: cpus }),
    TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '3',
    ...(required === undefined ? {} : { [requiredDevice]: required }),
  };
  if (device !== 'gpu') return common;
  const nvidia = join(cudaFolder, 'nvidia');
  const libraries = existsSync(nvidia)
    ? readdirSync(nvidia)
        .map((name) => join(nvidia, name, 'lib'))
        .filter(existsSync)
    : [];
  const inherited = process.env.LD_LIBRARY_PATH;
  return {
    ...common,
    LD_LIBRARY_PATH: [...libraries, ...(inherited ? [inherited] : [])].join(':'),
    // Where XLA looks for ptxas and libdevice.
    XLA_FLAGS: [process.env.XLA_FLAGS, `--xla_gpu_cuda_data_dir=${join(nvidia, 'cuda_nvcc')}`]
      .filter(Boolean)
      .join(' '),
    // Without these a GPU adds in another order every time, and no digest comes out again.
    TF_DETERMINISTIC_OPS: process.env.TF_DETERMINISTIC_OPS ?? '1',
    TF_CUDNN_DETERMINISTIC: process.env.TF_CUDNN_DETERMINISTIC ?? '1',
  };
}
