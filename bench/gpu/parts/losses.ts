import { largestDifference } from '../../statistics.ts';
import type { Tell } from '../figures.ts';
import { stepsInChild } from './steps-in-child.ts';
import type { Steps } from './take-steps.ts';

/** The losses of the same steps here and on the CPU of the same machine. On a machine without a GPU both are the CPU's. */
export async function losses(steps: Steps, tell: Tell): Promise<void> {
  const cpu = await stepsInChild(steps, { CUDA_VISIBLE_DEVICES: '-1' });
  tell('losses on the CPU', cpu.losses.join(' '));
  const compare = async (name: string, environment: Readonly<Record<string, string>>) => {
    const here = await stepsInChild(steps, environment);
    tell(`losses ${name}`, here.losses.join(' '));
    tell(`first loss, difference from the CPU ${name}`, Math.abs((here.losses[0] ?? NaN) - (cpu.losses[0] ?? NaN)));
    tell(`all losses, largest difference from the CPU ${name}`, largestDifference(here.losses, cpu.losses));
  };
  await compare('without TF32', { NVIDIA_TF32_OVERRIDE: '0' });
  await compare('with TF32', {});
}
