import { type OwnWorkload, openOurs } from './ours.ts';
import { largestDifference, largestMagnitude } from './statistics.ts';
import { describeEncoder, describeViews, pick, resnet50v2, smallResnet } from './workloads.ts';

export interface EqualityRow {
  readonly encoder: string;
  readonly views: string;
  readonly loss: string;
  readonly optimizer: string;
  /** The largest |captured - eager| / |eager| of the losses. */
  readonly losses: number;
  readonly lossLimit: number;
  /** The largest |captured - eager| of all elements of all variables. */
  readonly absolute: number;
  /** The largest difference of a variable, in terms of its own largest element. */
  readonly variables: number;
  readonly variableLimit: number;
  /** How many variables differ by no more than the limit, by more but as rounding alone makes them differ, and by more than that. */
  readonly within: number;
  readonly byRounding: number;
  readonly beyond: number;
  readonly ok: boolean;
}

type State = ReadonlyMap<string, Float32Array>;

const steps = 20;
const lossLimit = 1e-5;
const variableLimit = 1e-4;
/** Differences by rounding that are within this factor of each other count as alike. */
const alike = 4;
const learningRate = 1e-6;

const losses: Readonly<Record<string, NonNullable<OwnWorkload['loss']>>> = {
  supcon: { supcon: {} },
  'supcon, queue of 32': { supcon: { queue: 32 } },
  'cross-entropy': { crossEntropy: {} },
};

const optimizers: Readonly<Record<string, OwnWorkload['optimizer']>> = {
  adam: { name: 'adam', learningRate },
  // Leaving the decay out would move every weight by twice the limit.
  adamw: { name: 'adam', learningRate: 1e-5, weightDecay: 1 },
  sgd: { name: 'sgd', learningRate, momentum: 0 },
  'sgd, momentum': { name: 'sgd', learningRate, momentum: 0.9 },
  'sgd, nesterov': { name: 'sgd', learningRate, momentum: 0.9, nesterov: true },
};
const all = Object.keys(optimizers);

const workloads: readonly (Pick<OwnWorkload, 'encoder' | 'batch' | 'image'> & { readonly by: readonly string[] })[] = [
  { encoder: smallResnet(8, [1, 1]), batch: 8, image: [8, 8, 1], by: all },
  { encoder: smallResnet(16), batch: 8, image: [8, 8, 1], by: all },
  { encoder: resnet50v2(), batch: 8, image: [32, 32, 1], by: ['adam', 'sgd'] },
  { encoder: resnet50v2('cifar'), batch: 8, image: [8, 8, 1], by: ['adam', 'sgd'] },
];

/**
 * Captured steps against the same steps operation by operation: 20 steps from the same state.
 *
 * A variable's difference is the largest |captured - eager| of its elements over the largest |eager| of them. TensorFlow rounds
 * differently when it has optimised a graph, and three things make more of that than rounding: many steps (so the learning
 * rate is small; slots and biases, which begin at zero, still are what the gradients made of them), rectifiers, whose gradient
 * jumps where an input changes its sign, and depth. `calm` is for the last two.
 *
 * What is left is measured: the eager training is repeated from initial values that are a few units in the last place up or down.
 * A variable beyond the limit is excused where that alone makes it differ as much: wherever a rectifier's input lies so near
 * zero, the variables below it; and the biases of ResNet50V2 that batch normalisation takes out again, whose exact gradient is zero.
 */
export async function benchEquality(only: string): Promise<EqualityRow[]> {
  const rows: EqualityRow[] = [];
  for (const { encoder, batch, image, by } of pick(workloads, only))
    for (const [loss, config] of Object.entries(losses))
      for (const name of by) {
        const optimizer = optimizers[name] ?? 'adam';
        const workload = { encoder, batch, optimizer, loss: config, ...(image ? { image } : {}) };
        const captured = train({ ...workload, engine: 'graph' }, calm);
        const eager = train({ ...workload, engine: 'eager' }, calm);
        const differences = differencesOf(captured.state, eager.state);
        const nudged = [1, -1].map((sign) => {
          const { state } = train({ ...workload, engine: 'eager' }, (initial) => nudge(calm(initial), sign));
          return differencesOf(state, eager.state);
        });
        const rounding = (each: string) => Math.max(...nudged.map((of) => of.get(each) ?? 0));
        const outside = [...differences].filter(([, difference]) => !(difference <= variableLimit));
        const beyond = outside.filter(([each, difference]) => !(difference <= alike * rounding(each)));
        const ofLosses = Math.max(
          ...eager.losses.map((value, step) => Math.abs((captured.losses[step] ?? Number.NaN) / value - 1)),
        );
        const row = {
          encoder: describeEncoder(encoder),
          views: describeViews(batch),
          loss,
          optimizer: name,
          losses: ofLosses,
          lossLimit,
          absolute: Math.max(
            ...[...eager.state].map(([each, values]) => largestDifference(captured.state.get(each) ?? [], values)),
          ),
          variables: Math.max(...differences.values()),
          variableLimit,
          within: differences.size - outside.length,
          byRounding: outside.length - beyond.length,
          beyond: beyond.length,
          ok: ofLosses <= lossLimit && beyond.length === 0,
        };
        rows.push(row);
        // The table takes a quarter of an hour.
        process.stderr.write(`${JSON.stringify(row)}\n`);
        // Lets the process do what it does between tasks.
        await new Promise(setImmediate);
      }
  return rows;
}

function train(workload: OwnWorkload, begin: (initial: State) => State) {
  const training = openOurs(workload);
  try {
    training.write(begin(training.state()));
    const { losses } = training.run(steps);
    return { losses, state: training.state() };
  } finally {
    training.dispose();
  }
}

/** By variable; one that is all zeros has no scale, and must be so on both sides. */
function differencesOf(state: State, reference: State): ReadonlyMap<string, number> {
  return new Map(
    [...reference].map(([name, values]) => {
      const difference = largestDifference(state.get(name) ?? [], values);
      return [name, difference === 0 ? 0 : difference / largestMagnitude(values)];
    }),
  );
}

/**
 * A state from which rounding stays rounding. The channels of each batch normalisation are moved to 3 and -3 by turns, so that
 * rectifiers are open or closed and few of their inputs lie near zero. The last convolution of each of ResNet50V2's blocks is
 * scaled down, so that its 16 blocks do not multiply what they differ by.
 */
const calm = (state: State): State =>
  new Map(
    [...state].map(([name, values]) => {
      if (name.startsWith('optimizer/')) return [name, values];
      if (name.endsWith('_bn/beta')) return [name, values.map((_, channel) => (channel % 2 === 0 ? 3 : -3))];
      return [name, name.endsWith('_3_conv/kernel') ? values.map((value) => value * 0.1) : values];
    }),
  );

/** Every second value a few units in the last place away from zero, the others towards it; or the other way round. */
const nudge = (state: State, sign: number): State =>
  new Map(
    [...state].map(([name, values]) => [
      name,
      values.map((value, at) => value * (1 + (at % 2 === 0 ? sign : -sign) * 2 ** -20)),
    ]),
  );
