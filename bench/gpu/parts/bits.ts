import type { Tell } from '../figures.ts';
import { stepsInChild } from './steps-in-child.ts';
import type { Steps } from './take-steps.ts';

/** Whether two processes give the same bits, with TensorFlow's deterministic operations and without. */
export async function bits(steps: Steps, tell: Tell): Promise<void> {
  for (const [how, value] of [
    ['deterministic', '1'],
    ['as it is', '0'],
  ] as const) {
    const environment = { TF_DETERMINISTIC_OPS: value, TF_CUDNN_DETERMINISTIC: value };
    const [first, second] = await Promise.all([stepsInChild(steps, environment), stepsInChild(steps, environment)]);
    tell(`same bits in two processes, ${how}`, first.digest === second.digest);
    tell(`digest, ${how}`, first.digest);
  }
}
