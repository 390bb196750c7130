import type { Tell } from '../figures.ts';
import { stepsInChild } from './steps-in-child.ts';
import type { Steps } from './take-steps.ts';

/** Whether two processes give the same bits, with TensorFlow's deterministic operations and without, and what these cost. */
export async function bits(steps: Steps, tell: Tell): Promise<void> {
  const times: number[] = [];
  for (const [how, value] of [
    ['deterministic', '1'],
    ['as it is', '0'],
  ] as const) {
    const environment = { TF_DETERMINISTIC_OPS: value, TF_CUDNN_DETERMINISTIC: value };
    const [first, second] = [await stepsInChild(steps, environment), await stepsInChild(steps, environment)];
    tell(`same bits in two processes, ${how}`, first.digest === second.digest);
    tell(`step, ${how}`, Math.min(first.milliseconds, second.milliseconds), 'ms');
    tell(`digest, ${how}`, first.digest);
    times.push(Math.min(first.milliseconds, second.milliseconds));
  }
  const [deterministic = Number.NaN, plain = Number.NaN] = times;
  tell('deterministic operations cost', (deterministic / plain - 1) * 100, '%');
}
