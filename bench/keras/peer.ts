import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import type { EncoderConfig, optimizerSchema, projectionSchema, TrainingConfig } from '../../contracts/training.ts';
import { allocatorEnvironment } from '../../training/process/environment.ts';
import { type Answer, answerSchemas } from './answers.ts';
import { kerasEnvironment } from './environment.ts';
import { openLineProcess } from './line-process.ts';

export interface StepWorkload {
  readonly encoder: EncoderConfig;
  readonly projection?: z.infer<typeof projectionSchema>;
  /** Images of a step; each gives two views. */
  readonly batch: number;
  readonly optimizer: z.input<typeof optimizerSchema>;
  readonly precision: TrainingConfig['precision'];
  /** Height, width and channels. */
  readonly image: readonly [number, number, number];
}

export interface EpochWorkload extends Pick<StepWorkload, 'encoder' | 'projection' | 'batch'> {
  /** A .npy file: uint8 [n, height, width] or [n, height, width, channels]. */
  readonly images: string;
  /** A .npy file: integers [n] or [n, 1]. */
  readonly labels: string;
  /** The folder that gets the model and the log. */
  readonly checkpoint: string;
  /** @default Adam with Keras's settings */
  readonly optimizer?: StepWorkload['optimizer'];
  /** Whether `fit` compiles the step by XLA. @default 'auto', as Keras's users have it */
  readonly jit?: boolean | 'auto';
}

/** A Keras process that answers commands one after another. */
export interface KerasPeer {
  readonly about: () => Promise<Answer<'about'>>;
  /** The best rate of float32 products of square matrices. */
  readonly matmulPeak: (size: number, seconds: number) => Promise<Answer<'matmul-peak'>>;
  readonly openStep: (workload: StepWorkload) => Promise<Answer<'open-step'>>;
  readonly runSteps: (count: number) => Promise<Answer<'run-steps'>>;
  readonly openEpoch: (workload: EpochWorkload) => Promise<Answer<'open-epoch'>>;
  readonly runEpoch: () => Promise<Answer<'run-epoch'>>;
  /** Of the whole process since it started. */
  readonly peakMemory: () => Promise<Answer<'peak-memory'>>;
  /** Any command, its answer unchecked. */
  readonly ask: (command: string, operands?: Readonly<Record<string, unknown>>) => Promise<Record<string, unknown>>;
  readonly close: () => Promise<void>;
}

/**
 * Starts Keras in its own Python environment, as its users start it: without the allocator settings of our trainers,
 * unless `environment` has them.
 */
export async function openKerasPeer({
  environment = {},
}: {
  readonly environment?: Readonly<Record<string, string>>;
} = {}): Promise<KerasPeer> {
  const program = fileURLToPath(new URL('peer.py', import.meta.url));
  const { ask, close } = openLineProcess(await kerasEnvironment(), ['-B', program], {
    ...withoutAllocatorSettings(),
    TF_CPP_MIN_LOG_LEVEL: '3',
    ...environment,
  });
  const checked = async <Command extends keyof typeof answerSchemas>(command: Command, operands: object = {}) =>
    answerSchemas[command].parse(await ask(command, { ...operands })) as Answer<Command>;
  return {
    about: () => checked('about'),
    matmulPeak: (size, seconds) => checked('matmul-peak', { size, seconds }),
    openStep: (workload) => checked('open-step', workload),
    runSteps: (count) => checked('run-steps', { count }),
    openEpoch: (workload) => checked('open-epoch', workload),
    runEpoch: () => checked('run-epoch'),
    peakMemory: () => checked('peak-memory'),
    ask: (command, operands = {}) => ask(command, operands),
    close,
  };
}

/** Keras with the allocator settings of our trainers, or as its users start it. */
export const openKeras = (allocator: 'ours' | 'default'): Promise<KerasPeer> =>
  openKerasPeer(allocator === 'ours' ? { environment: allocatorEnvironment } : {});

const withoutAllocatorSettings = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !(name in allocatorEnvironment)));
