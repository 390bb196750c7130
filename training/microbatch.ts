import type { TrainingConfig } from '../contracts/training.ts';
import { drawsOfRows } from './augmentation/draws.ts';
import { drawsOfGroup, repeatViews, viewsOf } from './augmentation/view-groups.ts';
import type { CompiledStep, Execution, Step, StepState, TensorValue } from './capture/index.ts';
import { copiedValues } from './copied-values.ts';
import type { TrainingModel } from './model.ts';
import { gatherRows, updateRows } from './ops.ts';
import { type ParameterSpec, type Variables, variable } from './parameters.ts';
import { afterStep, dropPathOf, forwardAndBackward, gatherBatch, gatherLabels, outputsOf, update } from './step.ts';
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from './tensorflow.ts';

/**
 * Training steps of a batch that passes through the network in parts, so that memory holds the activations of one part.
 *
 * The gradient is that of the whole batch. A loss whose rows do not look at each other (cross-entropy, a softmax over learned
 * vectors of classes) is the mean of the losses of the parts, so the gradients of the parts are added up. The others, such as SupCon,
 * compare every row with every other: the outputs of
 * all parts are computed first, then the gradient of the loss for the outputs, and then each part passes forward once more and
 * back with its share of that gradient (gradient caching, arXiv:2101.06983). Batch normalisation takes the statistics of a part.
 *
 * Between steps the sums are zero, so nothing of them needs saving.
 */

/** What the parts are added up of: gradients of parameters, and statistics of batch normalisation. */
const summed = ({
  trainable,
  statistics,
}: Pick<TrainingModel, 'trainable' | 'statistics'>): readonly ParameterSpec[] => [...trainable, ...statistics];

const sumOf = (name: string) => `microbatch/sum/${name}`;
const outputsName = 'microbatch/outputs';
const cachedName = 'microbatch/gradients';

/** Variables that a step keeps its intermediate results in. */
export function microbatchVariables(model: TrainingModel, batch: number): ParameterSpec[] {
  const { objective } = model;
  const zeros = (name: string, shape: readonly number[]): ParameterSpec => ({
    name,
    shape,
    initializer: 'zeros',
    trainable: false,
  });
  const rows = [batch * objective.views, objective.width];
  return [
    ...summed(model).map(({ name, shape }) => zeros(sumOf(name), shape)),
    ...(objective.separable ? [] : [zeros(outputsName, rows), zeros(cachedName, rows)]),
  ];
}

/**
 * A step of the same inputs and output as `trainingStep`, in parts.
 *
 * @param batch images of a step, a multiple of `microbatch`
 */
export function compileMicrobatches(
  execution: Pick<Execution, 'compile'>,
  model: TrainingModel,
  config: TrainingConfig,
  { batch, microbatch, stepsPerEpoch }: { batch: number; microbatch: number; stepsPerEpoch: number },
): CompiledStep {
  const { objective } = model;
  const parts = batch / microbatch;

  /** Views and labels of a part, and the places of its rows in the batch's outputs. */
  const viewsOfPart = (inputs: readonly Tensor[], resident: StepState['resident']) => {
    const { images, labels, others } = gatherBatch(inputs, resident);
    const [step, part] = others as [Tensor, Tensor];
    const first = tf.mul(part, tf.scalar(microbatch, 'int32'));
    const own = tf.add(tf.range(0, microbatch, 1, 'int32'), first) as Tensor1D;
    /** Rows of the part among those of so many views of the batch. */
    const placesIn = (count: number) =>
      count === 1
        ? own
        : (tf.concat(
            Array.from({ length: count }, (_, view) =>
              view === 0 ? own : tf.add(own, tf.scalar(view * batch, 'int32')),
            ),
          ) as Tensor1D);
    const drawing = { seed: config.seed, batch, step };
    return {
      views: model.viewGroups.map((group) => {
        const rows = placesIn(group.views);
        return {
          images: viewsOf(images, group, drawsOfRows(drawsOfGroup(group, drawing), rows)),
          ...dropPathOf(config, group, drawing, rows),
        };
      }),
      labels: repeatViews(labels, objective.views),
      places: placesIn(objective.views),
      part,
    };
  };

  const labelsOf = (rowsOrLabels: Tensor, resident: StepState['resident']) =>
    repeatViews(gatherLabels(rowsOrLabels, resident), objective.views);

  /** Adds the gradients and statistics of a part to the sums. @returns the value of the loss */
  const addPart = (
    variables: Variables,
    views: Parameters<typeof forwardAndBackward>[2],
    loss: (outputs: Tensor2D) => Scalar,
  ): Scalar => {
    const { value, gradients, outputs, statistics } = forwardAndBackward(model, variables, views, loss);
    const add = (name: string, amount: Tensor) => {
      const sum = variable(variables, sumOf(name));
      sum.assign(tf.add(sum, amount));
    };
    for (const [name, gradient] of Object.entries(gradients)) add(name, gradient);
    for (const [name, statistic] of Object.entries(statistics)) add(name, tf.div(statistic, parts));
    tf.dispose([outputs, statistics]);
    return value;
  };

  /** Inputs: a part of those of the batch; int32 scalars, step and part. Output: the part's share of the loss. */
  const separablePart: Step = (inputs, { variables, resident }) => {
    const { views, labels } = viewsOfPart(inputs, resident);
    return [
      addPart(variables, views, (outputs) => tf.div(objective.loss(outputs, labels, variables), parts) as Scalar),
    ];
  };

  /** The same inputs. Output: the part, as it came. */
  const forwardPart: Step = (inputs, { variables, resident }) => {
    const { views, places, part } = viewsOfPart(inputs, resident);
    const pass = { variables, frozen: model.frozen, onBatchStatistics: () => {} };
    const outputs = variable(variables, outputsName);
    outputs.assign(updateRows(outputs as unknown as Tensor2D, places, outputsOf(model, views, pass)));
    return [tf.clone(part)];
  };

  /** Inputs: int32, rows [batch], or labels [batch] or [batch, L]; int32 scalar, step. Output: the loss. Keeps its gradient for the outputs. */
  const contrastAll: Step = ([rows], { variables, resident }) => {
    const labels = labelsOf(rows as Tensor, resident);
    const outputs = variable(variables, outputsName) as unknown as Tensor2D;
    const { value, grad } = tf.valueAndGrad((all: Tensor) => objective.loss(all as Tensor2D, labels, variables))(
      outputs,
    );
    variable(variables, cachedName).assign(grad);
    return [value];
  };

  /** Inputs as of a part. Output: the part, as it came. */
  const backwardPart: Step = (inputs, { variables, resident }) => {
    const { views, places, part } = viewsOfPart(inputs, resident);
    const cached = gatherRows(variable(variables, cachedName) as unknown as Tensor, places);
    addPart(variables, views, (outputs) => tf.sum(tf.mul(outputs, cached)) as Scalar);
    return [tf.clone(part)];
  };

  /** Inputs: int32, rows [batch], or labels [batch] or [batch, L]; int32 scalar, step. Updates the variables by the sums, and clears these. */
  const applySums: Step = ([rows, step], { variables, resident }) => {
    // Copies: an optimizer's operation takes a variable itself for one that it updates.
    const sums = (specs: readonly ParameterSpec[]) =>
      Object.fromEntries(specs.map(({ name }) => [name, tf.clone(variable(variables, sumOf(name)) as Tensor)]));
    const outcome = update(model, config, stepsPerEpoch, variables, step as Tensor, {
      gradients: sums(model.trainable),
      statistics: sums(model.statistics),
      afterwards: () => {
        if (objective.separable) return;
        const outputs = variable(variables, outputsName) as unknown as Tensor2D;
        afterStep(model, outputs, labelsOf(rows as Tensor, resident), variables);
      },
    });
    for (const { name, shape } of summed(model)) variable(variables, sumOf(name)).assign(tf.zeros([...shape]));
    return outcome.length > 0 ? outcome : [tf.clone(step as Tensor)];
  };

  const part = copiedValues('int32', 1);
  const partInput: TensorValue = { dtype: 'int32', shape: [], values: part };
  /** Runs a step for each part of the batch. @returns the sum of what they gave */
  const eachPart = (run: CompiledStep, ofBatch: readonly TensorValue[], step: TensorValue) => {
    let sum = 0;
    for (let index = 0; index < parts; index++) {
      part[0] = index;
      sum += run(...ofBatch.map((input) => partOf(input, index, microbatch)), step, partInput)[0]?.[0] ?? 0;
    }
    return sum;
  };
  const apply = execution.compile(applySums);
  const finish = (loss: number, outcome: ReturnType<CompiledStep>) =>
    model.lossScale ? [Float32Array.of(loss), ...outcome] : [Float32Array.of(loss)];
  if (objective.separable) {
    const run = execution.compile(separablePart);
    return (...inputs) => {
      const { ofBatch, whole, step } = named(inputs);
      const loss = eachPart(run, ofBatch, step);
      return finish(loss, apply(whole, step));
    };
  }
  const forward = execution.compile(forwardPart);
  const contrast = execution.compile(contrastAll);
  const backward = execution.compile(backwardPart);
  return (...inputs) => {
    const { ofBatch, whole, step } = named(inputs);
    eachPart(forward, ofBatch, step);
    const loss = contrast(whole, step)[0]?.[0] ?? Number.NaN;
    eachPart(backward, ofBatch, step);
    return finish(loss, apply(whole, step));
  };
}

/** The inputs of a step; `whole` is what is needed of the whole batch at once, its rows or its labels. */
const named = (inputs: readonly TensorValue[]) => ({
  ofBatch: inputs.slice(0, -1),
  whole: inputs.at(-2) as TensorValue,
  step: inputs.at(-1) as TensorValue,
});

/** A part of an input of a batch: a view of the same values. */
function partOf({ dtype, shape, values }: TensorValue, index: number, microbatch: number): TensorValue {
  const size = (values.length / (shape[0] ?? 1)) * microbatch;
  return {
    dtype,
    shape: [microbatch, ...shape.slice(1)],
    values: values.subarray(index * size, (index + 1) * size),
  };
}
