import type { EncoderConfig } from '../../contracts/training.ts';
import type { OwnWorkload } from '../ours.ts';
import type { PytorchSettings } from '../pytorch/peer.ts';
import { resnet50v2, smallResnet } from '../workloads.ts';

/** One thing to learn, in a process of its own. */
export interface Part {
  /** Told with each of its figures; names of steps end in who takes them. */
  readonly name: string;
  /** A key of `part.ts`. */
  readonly part: string;
  readonly operands: object;
  /** The longest that it may take. */
  readonly seconds: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether it may share the machine with the parts beside it, because none of its figures is a time. */
  readonly together?: boolean;
}

export interface PlanOptions {
  /** The smallest sizes, for a machine without a GPU. */
  readonly tiny: boolean;
  /** An interpreter that has PyTorch; null leaves the peer out. */
  readonly python: string | null;
  /** CIFAR-10, as binary files or as images by class; null leaves the training out, or takes generated images where `tiny`. */
  readonly data: string | null;
  /** Of the real training. */
  readonly trainingSeconds: number;
}

type Precision = NonNullable<OwnWorkload['precision']>;

/** A step that both sides take. */
interface StepSize {
  readonly name: string;
  readonly encoder: EncoderConfig;
  readonly side: number;
  readonly batch: number;
  readonly precision: Precision;
}

/** The workload whose speed decides how many epochs the real training has. */
export const trainingSize = 'resnet50v2 cifar 32 px 1024 bfloat16';

/** Everything to learn, the most valuable first. */
export function planParts({ tiny, python, data, trainingSeconds }: PlanOptions): readonly Part[] {
  const small: OwnWorkload = {
    encoder: tiny ? smallResnet(4, [1]) : smallResnet(16),
    batch: tiny ? 4 : 128,
    optimizer: 'adam',
    image: [32, 32, 3],
  };
  // Several of these share the GPU's memory.
  const large: OwnWorkload = tiny ? small : { ...small, encoder: resnet50v2('cifar'), batch: 32 };
  const sizes = tiny ? tinySizes : realSizes;
  const peer = (size: StepSize, compile: boolean) => (python === null ? [] : [peerStep(size, { python, compile })]);
  // A GPU of so many gigabytes has room for one of them at a time.
  const compared = (from: number, to?: number) =>
    sizes.slice(from, to).flatMap((size) => [ourStep(size), ...peer(size, true)]);
  const steps = tiny ? 3 : 12;
  return [
    ...untimedParts({ tiny, python, small, large, steps }),
    ...compared(0, 1),
    ...(tiny ? [] : [...firstVariants, kernelPart('ours', 60)]),
    { name: 'replicas', part: 'replicas', ...(tiny ? tinyReplicas : realReplicas) },
    ...(data !== null || tiny
      ? [{ name: 'training', part: 'training', operands: realTraining(tiny, data), seconds: trainingSeconds + 60 }]
      : []),
    ...compared(1, 2),
    ...(tiny || python === null ? [] : [kernelPart('torch.compile', 90, { python, compile: true })]),
    { name: 'out of memory', part: 'out-of-memory', operands: tiny ? tinyTooLarge : tooLarge, seconds: 60 },
    ...compared(2),
    ...sizes.slice(0, 2).flatMap((size) => peer(size, false)),
    ...(tiny ? [] : otherVariants),
  ];
}

/** What needs no quiet machine: whether it runs, and whether it is right. */
function untimedParts({
  tiny,
  python,
  small,
  large,
  steps,
}: Pick<PlanOptions, 'tiny' | 'python'> & {
  readonly small: OwnWorkload;
  readonly large: OwnWorkload;
  readonly steps: number;
}): readonly Part[] {
  const parts: readonly Part[] = [
    { name: 'machine', part: 'machine', operands: { python: python ?? 'python3' }, seconds: 60 },
    // PyTorch keeps what it compiles, and the timed parts find it.
    ...(python === null || tiny
      ? []
      : [
          {
            name: 'torch.compile beforehand',
            part: 'compile',
            operands: { python, workloads: realSizes.slice(0, 3).map(workloadOf) },
            seconds: 150,
          },
        ]),
    { name: 'placement', part: 'placement', operands: { workload: large, steps: 2 }, seconds: 120 },
    { name: 'losses', part: 'losses', operands: { workload: small, steps }, seconds: 150 },
    { name: 'bits', part: 'bits', operands: { workload: large, steps }, seconds: 150 },
    { name: 'killed', part: 'killed', operands: tiny ? tinyKilled : realKilled, seconds: 120 },
    { name: 'golden values', part: 'tests', operands: { files: tiny ? golden.slice(0, 1) : golden }, seconds: 150 },
    ...(tiny
      ? []
      : [
          {
            name: 'bits in bfloat16',
            part: 'bits',
            operands: { workload: { ...large, precision: 'bfloat16' }, steps },
            seconds: 150,
          },
        ]),
    ...(python === null ? [] : [{ name: 'agreement', part: 'agreement', operands: { python }, seconds: 120 }]),
  ];
  return parts.map((part) => ({ ...part, together: true }));
}

const golden = ['supcon', 'losses', 'resnet50v2', 'cross-entropy'].map((name) => `test/training/${name}.test.ts`);

const sized = (encoder: EncoderConfig, label: string, side: number, batch: number, precision: Precision): StepSize => ({
  name: `${label} ${side} px ${batch} ${precision}`,
  ...{ encoder, side, batch, precision },
});

const tinySizes: readonly StepSize[] = [sized(smallResnet(4, [1]), 'small-resnet 4', 32, 4, 'float32')];

const realSizes: readonly StepSize[] = [
  sized(resnet50v2('cifar'), 'resnet50v2 cifar', 32, 1024, 'bfloat16'),
  sized(resnet50v2(), 'resnet50v2', 224, 256, 'bfloat16'),
  sized(resnet50v2('cifar'), 'resnet50v2 cifar', 32, 512, 'bfloat16'),
  sized(resnet50v2('cifar'), 'resnet50v2 cifar', 32, 128, 'bfloat16'),
  sized(resnet50v2('cifar'), 'resnet50v2 cifar', 32, 512, 'float32'),
  sized(smallResnet(32), 'small-resnet 32', 32, 128, 'bfloat16'),
  sized(resnet50v2(), 'resnet50v2', 224, 64, 'bfloat16'),
  sized(resnet50v2('cifar'), 'resnet50v2 cifar', 32, 512, 'float16'),
  sized(resnet50v2(), 'resnet50v2', 224, 64, 'float32'),
];

const workloadOf = ({ encoder, side, batch, precision }: StepSize): OwnWorkload => ({
  ...{ encoder, batch, precision, optimizer: 'adam', image: [side, side, 3] },
});

/** The kernels of a step, ours or PyTorch's where settings are given: where its time goes. */
const kernelPart = (who: string, seconds: number, settings?: PytorchSettings): Part => ({
  ...{ name: `kernels, resnet50v2 cifar 32 px 512 bfloat16, ${who}`, part: 'kernels', seconds },
  operands: {
    workload: workloadOf(sized(resnet50v2('cifar'), '', 32, 512, 'bfloat16')),
    ...(settings ? { settings } : {}),
  },
});

const ourStep = (size: StepSize): Part => ({
  name: `${size.name}, ours`,
  part: 'our-step',
  operands: { workload: workloadOf(size) },
  seconds: 90,
});

/** PyTorch's, compiled or eager. */
const peerStep = (size: StepSize, settings: PytorchSettings): Part => ({
  name: `${size.name}, ${settings.compile ? 'torch.compile' : 'PyTorch'}`,
  part: 'pytorch-step',
  operands: { workload: workloadOf(size), settings },
  seconds: settings.compile ? 150 : 60,
});

/** What a setting of TensorFlow changes. */
const variant = (name: string, precision: Precision, environment: Readonly<Record<string, string>>): Part => {
  const plain = ourStep(sized(resnet50v2('cifar'), 'resnet50v2 cifar', 32, 512, precision));
  return { ...plain, name: `${plain.name}, ${name}`, seconds: 120, environment };
};
const xla = { TF_XLA_FLAGS: '--tf_xla_auto_jit=2' };
const persistent = { TF_USE_CUDNN_BATCHNORM_SPATIAL_PERSISTENT: '1' };
const firstVariants: readonly Part[] = [
  variant('XLA clusters', 'bfloat16', xla),
  variant('persistent batch normalisation', 'float16', persistent),
  variant('persistent batch normalisation', 'bfloat16', persistent),
  variant('not deterministic', 'bfloat16', { TF_DETERMINISTIC_OPS: '0', TF_CUDNN_DETERMINISTIC: '0' }),
];
const otherVariants: readonly Part[] = [
  variant('without TF32', 'float32', { NVIDIA_TF32_OVERRIDE: '0' }),
  variant('XLA clusters', 'float32', xla),
  variant('asynchronous allocator', 'bfloat16', { TF_GPU_ALLOCATOR: 'cuda_malloc_async' }),
];

const realKilled = {
  images: 8000,
  parameters: {
    encoder: smallResnet(32),
    batch: 256,
    epochs: 4,
    seed: 5,
    checkpoint: { everySteps: 5, keep: { last: 1000 } },
  },
  killAt: [37, 71],
};
const tinyKilled = {
  images: 64,
  parameters: {
    encoder: smallResnet(4, [1]),
    batch: 8,
    epochs: 2,
    seed: 5,
    checkpoint: { everySteps: 2, keep: { last: 1000 } },
  },
  killAt: [8],
};

/** On a CPU this one has room. */
const tinyTooLarge = { images: 64, parameters: { encoder: smallResnet(4, [1]), batch: 8, epochs: 1 } };
const tooLarge = { images: 10_000, parameters: { encoder: resnet50v2('cifar'), batch: 8192, epochs: 1 } };

/** A batch in as many parts as a machine has GPUs at most. */
const realReplicas = {
  operands: {
    workload: {
      ...workloadOf(sized(resnet50v2('cifar'), '', 32, 2048, 'bfloat16')),
      parts: { microbatch: 256 },
    },
    steps: 12,
    replicas: [1, 2, 4, 8],
  },
  seconds: 240,
};
/** On devices that share one CPU. */
const tinyReplicas = {
  operands: {
    workload: {
      encoder: smallResnet(4, [1]),
      batch: 8,
      optimizer: 'adam',
      image: [32, 32, 3],
      parts: { microbatch: 1 },
    },
    steps: 3,
    replicas: [1, 2, 4, 8],
  },
  seconds: 120,
  environment: { CONTRAIL_CPU_DEVICES: '4' },
};

const realTraining = (tiny: boolean, data: string | null) => ({
  data,
  parameters: tiny
    ? { encoder: smallResnet(4, [1]), batch: 16, epochs: 1, projection: { hidden: 8, output: 4 } }
    : {
        encoder: resnet50v2('cifar'),
        precision: 'bfloat16',
        augmentation: 'simclr',
        loss: { supcon: { temperature: 0.1 } },
        optimizer: { name: 'sgd', learningRate: 0.5, weightDecay: 0.0001 },
        schedule: { name: 'cosine', warmupEpochs: 2 },
        batch: 1024,
      },
  probe: {},
});

/** Epochs that fit into a time, with a fifth of it left for the rest of the run; at least one. */
export const epochsIn = (seconds: number, imagesPerSecond: number, images: number): number =>
  Math.max(1, Math.floor((0.8 * seconds * imagesPerSecond) / images));
