import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import type { projectionSchema } from '../../contracts/training.ts';
import { fastEnvironment } from '../../training/process/environment.ts';
import { openLineProcess } from '../line-process.ts';
import type { StepPeer, StepWorkload } from '../step-peer.ts';
import { type Answer, answerSchemas } from './answers.ts';
import { kerasEnvironment } from './environment.ts';

export interface EpochWorkload extends Pick<StepWorkload, 'encoder' | 'batch' | 'precision'> {
  readonly projection?: z.infer<typeof projectionSchema>;
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
export interface KerasPeer extends StepPeer {
  readonly about: () => Promise<Answer<'about'>>;
  /** The best rate of float32 products of square matrices. */
  readonly matmulPeak: (size: number, seconds: number) => Promise<Answer<'matmul-peak'>>;
  readonly openStep: (workload: StepWorkload) => Promise<Answer<'open-step'>>;
  readonly runSteps: (count: number) => Promise<Answer<'run-steps'>>;
  readonly openEpoch: (workload: EpochWorkload) => Promise<Answer<'open-epoch'>>;
  readonly runEpoch: () => Promise<Answer<'run-epoch'>>;
  readonly peakMemory: () => Promise<Answer<'peak-memory'>>;
  /** Runs images, a .npy file of uint8 [n, height, width, channels], through a SavedModel. */
  readonly runSavedModel: (folder: string, images: string) => Promise<Answer<'load-saved-model'>>;
  /** Reads a safetensors file. */
  readonly tensorDigests: (file: string) => Promise<Answer<'tensor-digests'>>;
  /**
   * Runs a captured training step as a plain graph, and traces it.
   *
   * @param folder holds `saved_model.pb`
   * @param state a safetensors file with the variables and resident tensors, by their names in the graph
   */
  readonly profileStep: (folder: string, state: string, steps: number) => Promise<Answer<'profile-step'>>;
}

/**
 * Starts Keras in its own Python environment: with the settings of our trainers, or as its users start it, which
 * is as this process was started.
 */
export async function openKeras(settings: 'ours' | 'default'): Promise<KerasPeer> {
  const program = fileURLToPath(new URL('peer.py', import.meta.url));
  const { ask, close } = openLineProcess(await kerasEnvironment(), ['-B', program], {
    ...process.env,
    TF_CPP_MIN_LOG_LEVEL: '3',
    ...(settings === 'ours' ? fastEnvironment : {}),
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
    runSavedModel: (folder, images) => checked('load-saved-model', { folder, images }),
    tensorDigests: (file) => checked('tensor-digests', { file }),
    profileStep: (folder, state, steps) => checked('profile-step', { folder, state, steps }),
    close,
  };
}
