import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bindingIsCurrent, probeBinding } from './binding.ts';
import { packagesAreInstalled } from './bootstrap.mjs';
import { describeGpu, findGpus, whyNoGpu } from './gpu.ts';
import { chosenDevice, type Device, temporalFolder, tensorflowFolder, trainerEnvironment } from './paths.ts';
import { checkRequirements, type Requirement } from './preflight.mjs';
import { runProgram } from './programs.ts';
import { detectDevice } from './setup.ts';

/** The state of one part of the installation, and how to mend it. */
export interface Check {
  readonly part: string;
  readonly ok: boolean;
  readonly found: string;
  readonly fix: string;
}

const fix = 'Run `contrail setup`.';
const enoughBytes = 4e9;

/**
 * Looks at every part that training needs. Changes nothing.
 *
 * @param folder where runs are written to; it need not be there yet
 */
export async function diagnose(folder: string): Promise<readonly Check[]> {
  const device = chosenDevice();
  const made: readonly Check[] = [
    {
      part: 'npm packages',
      ok: packagesAreInstalled(),
      found: packagesAreInstalled() ? 'as in package-lock.json' : 'not those of package-lock.json',
      fix,
    },
    {
      part: 'TensorFlow library',
      ok: device !== null && existsSync(tensorflowFolder(device)),
      found: device ? `for the ${device}` : 'none',
      fix,
    },
    await checkBinding(),
    await checkTemporal(),
  ];
  return [
    ...machineChecks(
      checkRequirements(),
      made.every(({ ok }) => ok),
    ),
    ...made,
    await checkDriver(),
    await checkDisk(folder),
  ];
}

/** What the machine must have. Tools of set-up are no longer missed where all that it makes is there, as in an image. */
export const machineChecks = (requirements: readonly Requirement[], isSetUp: boolean): readonly Check[] =>
  requirements.map(({ part, ok, found, fix, forSetUpAlone = false }) =>
    !ok && forSetUpAlone && isSetUp
      ? { part, ok: true, found: `${found}; only set-up needs it`, fix }
      : { part, ok, found, fix },
  );

async function checkBinding(): Promise<Check> {
  const part = 'TensorFlow binding';
  const device = chosenDevice();
  if (!device || !(await bindingIsCurrent(device))) return { part, ok: false, found: 'not built', fix };
  try {
    const probe = await probeBinding(trainerEnvironment());
    return bindingCheck(device, probe);
  } catch (error) {
    return { part, ok: false, found: error instanceof Error ? error.message : String(error), fix };
  }
}

/** A GPU that was chosen and is not used is a fault, and TensorFlow does not say it: it computes on the CPU. */
export function bindingCheck(
  chosen: Device,
  { version, device, log }: { readonly version: string; readonly device: Device; readonly log: string },
): Check {
  const part = 'TensorFlow binding';
  if (chosen === 'gpu' && device === 'cpu')
    return {
      ...{ part, ok: false, found: `TensorFlow ${version} computes on the CPU: ${whyNoGpu(log)}` },
      fix: 'Run `contrail setup --device gpu`, or `contrail setup --device cpu` to train on the CPU.',
    };
  return { part, ok: true, found: `TensorFlow ${version}, computes on the ${device}`, fix };
}

async function checkTemporal(): Promise<Check> {
  const binary = join(temporalFolder, 'temporal');
  const version = existsSync(binary) ? await runProgram(binary, ['--version']).catch(() => null) : null;
  return { part: 'Temporal server', ok: version !== null, found: version?.trim() ?? 'none', fix };
}

async function checkDriver(): Promise<Check> {
  const present = (await detectDevice()) === 'gpu';
  const gpus = await findGpus();
  const chosen = chosenDevice();
  return {
    part: 'NVIDIA driver',
    ok: chosen !== 'gpu' || present,
    found: present
      ? [gpus.map(describeGpu).join('; ') || 'answers', ...(chosen === 'gpu' ? [] : ['the CPU is used'])].join('; ')
      : 'none',
    fix: present
      ? 'Run `contrail setup --device gpu` to use it.'
      : 'Install the driver, or run `contrail setup --device cpu`.',
  };
}

async function checkDisk(folder: string): Promise<Check> {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = await statfs(there);
  const free = bavail * bsize;
  return {
    part: 'free disk',
    ok: free > enoughBytes,
    found: `${(free / 1e9).toFixed(1)} GB at ${there}`,
    fix: `Free at least ${enoughBytes / 1e9} GB.`,
  };
}
