import type { TrainingConfig } from '../contracts/training.ts';
import { augment, viewDraws } from './augmentation/views.ts';
import type { CompiledStep, Execution, Step, TensorValue } from './capture/index.ts';
import type { TrainingModel } from './model.ts';
import { gatherRows, updateRows } from './ops.ts';
import { type ParameterSpec, type Variables, variable } from './parameters.ts';
import type { ResidentImages } from './resident-images.ts';
import { forwardAndBackward, gatherBatch, repeatViews, update, viewSeed } from './step.ts';
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from './tensorflow.ts';

/**
 * Training steps of a batch that passes through the network in parts, so that memory holds the activations of one part.
 *
 * The gradient is that of the whole batch. A loss whose rows do not look at each other (cross-entropy) is the mean of the
 * losses of the parts, so the gradients of the parts are added up. SupCon contrasts every row with every other: the outputs of
 * all parts are computed first, then the gradient of the loss for the outputs, and then each part passes forward once more and
 * back with its share of that gradient (gradient caching, arXiv:2101.06983). Batch normalisation takes the statistics of a part.
 *
 * Between steps the sums are zero, so nothing of them needs saving.
 */

/** What the parts are added up of: gradients of parameters, and statistics of batch normalisation. */
const summed = ({ encoder, trainable }: Pick<TrainingModel, 'encoder' | 'trainable'>): readonly ParameterSpec[] => [
  ...trainable,
  ...encoder.parameters.filter((parameter) => !parameter.trainable),
];

const sumOf = (name: string) => `microbatch/sum/${name}`;
const outputsName = 'microbatch/outputs';
const cachedName = 'microbatch/gradients';

/** Variables that a step keeps its intermediate results in. */
export function microbatchVariables({ encoder, objective, trainable }: TrainingModel, batch: number): ParameterSpec[] {
  const zeros = (name: string, shape: readonly number[]): ParameterSpec => ({
    name,
    shape,
    initializer: 'zeros',
    trainable: false,
  });
  const rows = [batch * objective.views, objective.width];
  return [
    ...summed({ encoder, trainable }).map(({ name, shape }) => zeros(sumOf(name), shape)),
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

  /** Views and classes of a part, and the places of its rows in the batch's outputs. */
  const viewsOf = (rows: Tensor1D, step: Tensor, part: Tensor, resident: unknown) => {
    const { images, labels } = gatherBatch(resident as ResidentImages, rows);
    const first = tf.mul(part, tf.scalar(microbatch, 'int32'));
    const own = tf.add(tf.range(0, microbatch, 1, 'int32'), first) as Tensor1D;
    const places = (objective.views === 1 ? own : tf.concat([own, tf.add(own, tf.scalar(batch, 'int32'))])) as Tensor1D;
    const draws = gatherRows(viewDraws(batch * objective.views, viewSeed(config, step)), places) as Tensor2D;
    return {
      views: augment(repeatViews(images, objective.views), draws, config.augmentation),
      classes: repeatViews(labels, objective.views),
      places,
    };
  };

  const classesOf = (rows: Tensor1D, resident: unknown) =>
    repeatViews(gatherRows((resident as ResidentImages).labels, rows) as Tensor1D, objective.views);

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

  /** Inputs: int32 [microbatch], rows; int32 scalars, step and part. Output: the part's share of the loss. */
  const separablePart: Step = ([rows, step, part], { variables, resident }) => {
    const { views, classes } = viewsOf(rows as Tensor1D, step as Tensor, part as Tensor, resident);
    return [
      addPart(variables, views, (outputs) => tf.div(objective.loss(outputs, classes, variables), parts) as Scalar),
    ];
  };

  /** The same inputs. Output: the part, as it came. */
  const forwardPart: Step = ([rows, step, part], { variables, resident }) => {
    const { views, places } = viewsOf(rows as Tensor1D, step as Tensor, part as Tensor, resident);
    const pass = { variables, onBatchStatistics: () => {} };
    const outputs = variable(variables, outputsName);
    const own = objective.head(model.encoder.embed(model.prepare(views), pass), pass);
    outputs.assign(updateRows(outputs as unknown as Tensor2D, places, own));
    return [tf.clone(part as Tensor)];
  };

  /** Inputs: int32 [batch], rows; int32 scalar, step. Output: the loss. Keeps its gradient for the outputs. */
  const contrastAll: Step = ([rows], { variables, resident }) => {
    const classes = classesOf(rows as Tensor1D, resident);
    const outputs = variable(variables, outputsName) as unknown as Tensor2D;
    const { value, grad } = tf.valueAndGrad((all: Tensor) => objective.loss(all as Tensor2D, classes, variables))(
      outputs,
    );
    variable(variables, cachedName).assign(grad);
    return [value];
  };

  /** Inputs as of a part. Output: the part, as it came. */
  const backwardPart: Step = ([rows, step, part], { variables, resident }) => {
    const { views, places } = viewsOf(rows as Tensor1D, step as Tensor, part as Tensor, resident);
    const cached = gatherRows(variable(variables, cachedName) as unknown as Tensor, places);
    addPart(variables, views, (outputs) => tf.sum(tf.mul(outputs, cached)) as Scalar);
    return [tf.clone(part as Tensor)];
  };

  /** Inputs: int32 [batch], rows; int32 scalar, step. Updates the variables by the sums, and clears these. */
  const applySums: Step = ([rows, step], { variables, resident }) => {
    // Copies: an optimizer's operation takes a variable itself for one that it updates.
    const sums = (specs: readonly ParameterSpec[]) =>
      Object.fromEntries(specs.map(({ name }) => [name, tf.clone(variable(variables, sumOf(name)) as Tensor)]));
    const outcome = update(model, config, stepsPerEpoch, variables, step as Tensor, {
      gradients: sums(model.trainable),
      statistics: sums(model.encoder.parameters.filter(({ trainable }) => !trainable)),
      afterwards: () => {
        if (objective.separable) return;
        const outputs = variable(variables, outputsName) as unknown as Tensor2D;
        objective.afterStep(outputs, classesOf(rows as Tensor1D, resident), variables);
      },
    });
    for (const { name, shape } of summed(model)) variable(variables, sumOf(name)).assign(tf.zeros([...shape]));
    return outcome.length > 0 ? outcome : [tf.clone(step as Tensor)];
  };

  const part = new Int32Array(1);
  const rowsOfPart = new Int32Array(microbatch);
  const partInput: TensorValue = { dtype: 'int32', shape: [], values: part };
  const rowsInput: TensorValue = { dtype: 'int32', shape: [microbatch], values: rowsOfPart };
  const eachPart = (rows: Int32Array, work: () => number) => {
    let sum = 0;
    for (let index = 0; index < parts; index++) {
      part[0] = index;
      rowsOfPart.set(rows.subarray(index * microbatch, (index + 1) * microbatch));
      sum += work();
    }
    return sum;
  };
  const apply = execution.compile(applySums);
  const finish = (loss: number, outcome: ReturnType<CompiledStep>) =>
    model.lossScale ? [Float32Array.of(loss), ...outcome] : [Float32Array.of(loss)];
  if (objective.separable) {
    const run = execution.compile(separablePart);
    return (rows, step) => {
      const loss = eachPart(
        rows?.values as Int32Array,
        () => run(rowsInput, step as TensorValue, partInput)[0]?.[0] ?? 0,
      );
      return finish(loss, apply(rows as TensorValue, step as TensorValue));
    };
  }
  const forward = execution.compile(forwardPart);
  const contrast = execution.compile(contrastAll);
  const backward = execution.compile(backwardPart);
  return (rows, step) => {
    const all = rows?.values as Int32Array;
    eachPart(all, () => forward(rowsInput, step as TensorValue, partInput).length);
    const loss = contrast(rows as TensorValue, step as TensorValue)[0]?.[0] ?? Number.NaN;
    eachPart(all, () => backward(rowsInput, step as TensorValue, partInput).length);
    return finish(loss, apply(rows as TensorValue, step as TensorValue));
  };
}
