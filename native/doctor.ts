import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { bindingIsCurrent, probeBinding } from './binding.ts';
import { packagesAreInstalled } from './bootstrap.mjs';
import { chosenDevice, root, temporalFolder, tensorflowFolder, trainerEnvironment } from './paths.ts';
import { checkRequirements } from './preflight.mjs';
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

/** Looks at every part that training needs. Changes nothing. */
export async function diagnose(): Promise<readonly Check[]> {
  const device = chosenDevice();
  return [
    ...(checkRequirements() as Check[]),
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
    await checkDriver(),
    await checkDisk(),
  ];
}

async function checkBinding(): Promise<Check> {
  const part = 'TensorFlow binding';
  const device = chosenDevice();
  if (!device || !(await bindingIsCurrent(device))) return { part, ok: false, found: 'not built', fix };
  try {
    const probe = await probeBinding(trainerEnvironment());
    return { part, ok: true, found: `TensorFlow ${probe.version}, computes on the ${probe.device}`, fix };
  } catch (error) {
    return { part, ok: false, found: error instanceof Error ? error.message : String(error), fix };
  }
}

async function checkTemporal(): Promise<Check> {
  const binary = join(temporalFolder, 'temporal');
  const version = existsSync(binary) ? await runProgram(binary, ['--version']).catch(() => null) : null;
  return { part: 'Temporal server', ok: version !== null, found: version?.trim() ?? 'none', fix };
}

async function checkDriver(): Promise<Check> {
  const present = (await detectDevice()) === 'gpu';
  const chosen = chosenDevice();
  return {
    part: 'NVIDIA driver',
    ok: chosen !== 'gpu' || present,
    found: present ? (chosen === 'gpu' ? 'answers' : 'answers, and the CPU is used') : 'none',
    fix: present
      ? 'Run `contrail setup --device gpu` to use it.'
      : 'Install the driver, or run `contrail setup --device cpu`.',
  };
}

async function checkDisk(): Promise<Check> {
  const { bavail, bsize } = await statfs(root);
  const free = bavail * bsize;
  return {
    part: 'free disk',
    ok: free > enoughBytes,
    found: `${(free / 1e9).toFixed(1)} GB`,
    fix: `Free at least ${enoughBytes / 1e9} GB.`,
  };
}
