import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { EncoderConfig } from '../../contracts/training.ts';
import { openLineProcess } from '../line-process.ts';
import type { StepPeer, StepWorkload } from '../step-peer.ts';

/** How PyTorch takes its steps. */
export interface PytorchSettings {
  /** The interpreter; see `pytorchEnvironment`. */
  readonly python: string;
  /** Through `torch.compile`. */
  readonly compile: boolean;
  /** Whether a GPU may round the operands of float32 products to TF32. @default true */
  readonly tf32?: boolean;
}

/** Weights and views in files, for `lossOf`. */
export interface LossWorkload {
  readonly encoder: EncoderConfig;
  /** A safetensors file with our names and layouts: all parameters of encoder and projection head, nothing else. */
  readonly weights: string;
  /** A .npy file: float32 [n, height, width, channels], normalised. */
  readonly views: string;
  /** A .npy file: int32 [n]. */
  readonly labels: string;
}

const answers = {
  about: z.strictObject({
    torch: z.string(),
    cpus: z.int(),
    threads: z.int(),
    device: z.string().describe("'cpu', or the GPU's name"),
    cuda: z.string().nullable(),
    cudnn: z.int().nullable(),
  }),
  'open-step': z.strictObject({ parameters: z.int(), compileSeconds: z.number().describe('of the first step') }),
  'run-steps': z.strictObject({
    milliseconds: z.array(z.number()),
    processorMilliseconds: z.array(z.number()).describe('of all threads'),
    loss: z.number(),
  }),
  'loss-of': z.strictObject({ loss: z.number(), gradient: z.number().describe('its length, over all parameters') }),
  'compare-embeddings': z.strictObject({
    difference: z.number().describe('of the image for which it is largest, as a share of the length of its embedding'),
    parameters: z.int(),
  }),
  'compare-gradients': z.strictObject({
    difference: z.number().describe('of the whole gradient, as a share of its length'),
    worst: z.number().describe('the same of the parameter for which it is largest'),
    parameter: z.string(),
  }),
  'peak-memory': z.strictObject({ mebibytes: z.number() }),
} as const;
type Answer<Command extends keyof typeof answers> = z.infer<(typeof answers)[Command]>;

/** An encoder that timm or torchvision has, and files about it. */
export interface EncoderFiles {
  readonly encoder: EncoderConfig;
  /** Height, width and channels of the images that it is made for. */
  readonly image: StepWorkload['image'];
  /** A safetensors file with our names and layouts. */
  readonly weights: string;
  /** A .npy file: float32 [n, height, width, 3], normalised. */
  readonly images: string;
}

/** A PyTorch process that answers commands one after another. It computes on the GPU where there is one. */
export interface PytorchPeer extends StepPeer {
  readonly about: () => Promise<Answer<'about'>>;
  readonly openStep: (workload: StepWorkload) => Promise<Answer<'open-step'>>;
  /** What PyTorch computes from our weights. */
  readonly lossOf: (workload: LossWorkload) => Promise<Answer<'loss-of'>>;
  readonly runSteps: (count: number) => Promise<Answer<'run-steps'>>;
  /** @param files `embeddings`: a .npy file with ours, float32 [n, dimension] */
  readonly compareEmbeddings: (
    files: EncoderFiles & { readonly embeddings: string },
  ) => Promise<Answer<'compare-embeddings'>>;
  /**
   * @param files `direction`: a .npy file, what the embeddings are multiplied by; `gradients`: a safetensors file with those of
   * the sum, by name
   */
  readonly compareGradients: (
    files: EncoderFiles & { readonly direction: string; readonly gradients: string },
  ) => Promise<Answer<'compare-gradients'>>;
}

/** Starts PyTorch with its users' settings: with the environment of this process. */
export function openPytorch({ python, ...settings }: PytorchSettings): PytorchPeer {
  const program = fileURLToPath(new URL('peer.py', import.meta.url));
  const { ask, close } = openLineProcess(python, ['-B', program], process.env);
  const checked = async <Command extends keyof typeof answers>(command: Command, operands: object = {}) =>
    answers[command].parse(await ask(command, { ...operands })) as Answer<Command>;
  return {
    about: () => checked('about'),
    openStep: (workload) => checked('open-step', { ...workload, ...settings }),
    runSteps: (count) => checked('run-steps', { count }),
    compareEmbeddings: (files) => checked('compare-embeddings', files),
    compareGradients: (files) => checked('compare-gradients', files),
    lossOf: (workload) => checked('loss-of', workload),
    peakMemory: () => checked('peak-memory'),
    close,
  };
}
