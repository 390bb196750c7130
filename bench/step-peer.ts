import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { optimizerSchema } from '../contracts/optimizer.ts';
import type { EncoderConfig, TrainingConfig } from '../contracts/training.ts';
import { trainerEnvironment } from '../native/paths.ts';
import { openLineProcess } from './line-process.ts';

/** A training step to measure, whoever takes it. */
export interface StepWorkload {
  readonly encoder: EncoderConfig;
  /** Images of a step; each gives two views. */
  readonly batch: number;
  readonly optimizer: z.input<typeof optimizerSchema> | 'adam' | 'sgd';
  readonly precision?: TrainingConfig['precision'];
  /** Height, width and channels. */
  readonly image: readonly [number, number, 1 | 3];
}

/** A process that takes training steps when it is asked to. */
export interface StepPeer {
  readonly openStep: (workload: StepWorkload) => Promise<{ readonly parameters: number }>;
  readonly runSteps: (count: number) => Promise<{ readonly milliseconds: readonly number[]; readonly loss: number }>;
  /** The most memory that the process has had since it started. */
  readonly peakMemory: () => Promise<{ readonly mebibytes: number }>;
  readonly close: () => Promise<void>;
}

const opened = z.object({ parameters: z.int() });
const run = z.object({ milliseconds: z.array(z.number()), loss: z.number() });
const memory = z.object({ mebibytes: z.number() });

/**
 * Starts one of this folder's Node programs.
 *
 * @param program relative to this folder
 * @param environment added to that of this process
 */
export function openStepPeer(program: string, environment: Readonly<Record<string, string>> = {}): StepPeer {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const { ask, close } = openLineProcess(process.execPath, ['--import', import.meta.resolve('tsx'), path], {
    ...process.env,
    ...trainerEnvironment(),
    ...environment,
  });
  return {
    openStep: async (workload) => opened.parse(await ask('open-step', { ...workload })),
    runSteps: async (count) => run.parse(await ask('run-steps', { count })),
    peakMemory: async () => memory.parse(await ask('peak-memory', {})),
    close,
  };
}
