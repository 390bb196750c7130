import type { TrainingConfig } from '../contracts/training.ts';
import { drawsOfRows } from './augmentation/draws.ts';
import { drawsOfGroup, repeatViews, viewsOf } from './augmentation/view-groups.ts';
import { recording, type StepState } from './capture/index.ts';
import type { TrainingModel } from './model.ts';
import type { Labels } from './objectives/objective.ts';
import { imagesOfBytes } from './ops.ts';
import { type ParameterSpec, type Variables, variable } from './parameters.ts';
import { afterStep, dropPathOf, gatherBytes, gatherLabels, type Pass, update, type Views } from './step.ts';
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from './tensorflow.ts';

/** What a step in parts does with each part, and with the sum of all; the parts may pass one after the other or beside each other. */
export interface PartsOfBatch {
  /** How many there are. */
  readonly count: number;
  /**
   * The images of a part, picked out of the data set where that is in memory.
   *
   * @param ofPart the inputs of the part: those of a batch, see `gatherBatch`
   * @param part int32 scalar, its number
   */
  readonly gather: (
    ofPart: readonly Tensor[],
    resident: StepState['resident'],
    step: Tensor,
    part: Tensor,
  ) => GatheredPart;
  /** The labels of all rows of the batch's outputs. */
  readonly labels: (rowsOrLabels: Tensor, resident: StepState['resident']) => Labels;
  /** Adds the gradients and statistics of a part to the sums. Parts are added in their order: sums are rounded. */
  readonly add: (variables: Variables, pass: Pick<Pass, 'gradients' | 'statistics'>) => void;
  /**
   * Updates the variables by the sums, and clears these.
   *
   * @param outputs of the whole batch, in which the rows look at each other; null where they do not
   * @returns in float16 an `UpdateOutcome`, float32 scalar
   */
  readonly apply: (
    variables: Variables,
    step: Tensor,
    whole: { readonly outputs: Tensor2D; readonly labels: Labels } | null,
  ) => Scalar[];
}

export interface GatheredPart {
  /** The views of its images, each made with the draws that it has in the batch. Where this is called, they are made. */
  readonly views: () => readonly Views[];
  /** Of each row of its outputs. */
  readonly labels: Labels;
  /** Where these are among the rows of the batch's outputs: int32 [rows] */
  readonly places: Tensor1D;
}

/** What the parts are added up of: gradients of parameters, and statistics of batch normalisation. */
const summed = ({
  trainable,
  statistics,
}: Pick<TrainingModel, 'trainable' | 'statistics'>): readonly ParameterSpec[] => [...trainable, ...statistics];

const sumOf = (name: string) => `microbatch/sum/${name}`;

/** The variables that parts are added up in. Between steps they are zero, so nothing of them needs saving. */
export const sumVariables = (model: Pick<TrainingModel, 'trainable' | 'statistics'>): ParameterSpec[] =>
  summed(model).map(({ name, shape }) => ({ name: sumOf(name), shape, initializer: 'zeros', trainable: false }));

export function partsOfBatch(
  model: TrainingModel,
  config: TrainingConfig,
  { batch, microbatch, stepsPerEpoch }: { batch: number; microbatch: number; stepsPerEpoch: number },
): PartsOfBatch {
  const { objective } = model;
  const count = batch / microbatch;

  const gather: PartsOfBatch['gather'] = (ofPart, resident, step, part) => {
    const { bytes, labels } = gatherBytes(ofPart, resident);
    const first = tf.mul(part, tf.scalar(microbatch, 'int32'));
    const own = tf.add(tf.range(0, microbatch, 1, 'int32'), first) as Tensor1D;
    /** Rows of the part among those of so many views of the batch. */
    const placesIn = (views: number) =>
      views === 1
        ? own
        : (tf.concat(
            Array.from({ length: views }, (_, view) =>
              view === 0 ? own : tf.add(own, tf.scalar(view * batch, 'int32')),
            ),
          ) as Tensor1D);
    const drawing = { seed: config.seed, batch, step };
    return {
      views: () => {
        const images = imagesOfBytes(bytes);
        return model.viewGroups.map((group) => {
          const rows = placesIn(group.views);
          return {
            images: viewsOf(images, group, drawsOfRows(drawsOfGroup(group, drawing), rows)),
            ...dropPathOf(config, group, drawing, rows),
          };
        });
      },
      labels: repeatViews(labels, objective.views),
      places: placesIn(objective.views),
    };
  };

  const addTo = (variables: Variables, name: string, amount: Tensor) => {
    const sum = variable(variables, sumOf(name));
    const graph = recording();
    // By an operation with an effect: TensorFlow adds several tensors in an order of its own.
    if (graph) graph.update('AssignAddVariableOp', [sum, amount], { dtype: float });
    else sum.assign(tf.add(sum, amount));
  };

  return {
    count,
    gather,
    labels: (rowsOrLabels, resident) => repeatViews(gatherLabels(rowsOrLabels, resident), objective.views),
    add: (variables, { gradients, statistics }) => {
      for (const [name, gradient] of Object.entries(gradients)) addTo(variables, name, gradient);
      for (const [name, statistic] of Object.entries(statistics)) addTo(variables, name, tf.div(statistic, count));
    },
    apply: (variables, step, whole) => {
      // Copies: an optimizer's operation takes a variable itself for one that it updates.
      const sums = (specs: readonly ParameterSpec[]) =>
        Object.fromEntries(specs.map(({ name }) => [name, tf.clone(variable(variables, sumOf(name)) as Tensor)]));
      const outcome = update(model, config, stepsPerEpoch, variables, step, {
        gradients: sums(model.trainable),
        statistics: sums(model.statistics),
        afterwards: () => whole && afterStep(model, whole.outputs, whole.labels, variables),
      });
      for (const { name, shape } of summed(model)) variable(variables, sumOf(name)).assign(tf.zeros([...shape]));
      return outcome;
    },
  };
}

const float = { kind: 'type', value: 1 } as const;
