import type { TrainingConfig } from '../contracts/training.ts';
import { allPartsStep } from './all-parts.ts';
import type { CompiledStep, Execution, SessionSettings, Step, StepState, TensorValue } from './capture/index.ts';
import type { TrainingModel } from './model.ts';
import { gatherRows, updateRows } from './ops.ts';
import { type ParameterSpec, variable } from './parameters.ts';
import { partsOfBatch, sumVariables } from './parts-of-batch.ts';
import { oneReplica, onReplica, type Replicas } from './replicas.ts';
import { roundInputs, roundOf } from './round-inputs.ts';
import { forwardAndBackward, outputsOf } from './step.ts';
import { type Scalar, type Tensor, type Tensor2D, tf } from './tensorflow.ts';

/**
 * Training steps of a batch that passes through the network in parts: so that memory holds the activations of some of them, or so that
 * several devices compute side by side.
 *
 * The gradient is that of the whole batch. A loss whose rows do not look at each other (cross-entropy, a softmax over learned
 * vectors of classes) is the mean of the losses of the parts, so the gradients of the parts are added up. The others, such as SupCon,
 * compare every row with every other. Where all parts pass at once, their outputs are gathered and their gradients handed back
 * (`all-parts.ts`). Where they pass in several rounds, the outputs of
 * all parts are computed first, then the gradient of the loss for the outputs, and then each part passes forward once more and
 * back with its share of that gradient (gradient caching, arXiv:2101.06983). Batch normalisation takes the statistics of a part.
 *
 * I1. The parts decide every bit; how many of them pass at once, and where, decides none.
 * I2. Between steps the sums are zero, so nothing of them needs saving.
 */

const outputsName = 'microbatch/outputs';
const cachedName = 'microbatch/gradients';

export interface PartSizes {
  /** Images of a step, a multiple of `microbatch`. */
  readonly batch: number;
  /** Images of a part. */
  readonly microbatch: number;
  /** The parts that pass at once; their number divides that of the parts. @default oneReplica */
  readonly replicas?: Replicas;
}

const passAtOnce = ({ batch, microbatch, replicas = oneReplica }: PartSizes): boolean =>
  replicas.count > 1 && replicas.count === batch / microbatch;

/** How TensorFlow is to run steps in parts: each operation as it was recorded, whatever stands beside it in the graph (I1). */
export const sessionOfParts = ({ devices }: Replicas): SessionSettings => ({
  rewrites: false,
  cpus: new Set(devices.filter((name) => name.startsWith('/device:CPU:'))).size,
});

/** Variables that a step keeps its intermediate results in. */
export function microbatchVariables(model: TrainingModel, sizes: PartSizes): ParameterSpec[] {
  const { objective } = model;
  const rows = [sizes.batch * objective.views, objective.width];
  const zeros = (name: string): ParameterSpec => ({ name, shape: rows, initializer: 'zeros', trainable: false });
  return [
    ...sumVariables(model),
    ...(objective.separable || passAtOnce(sizes) ? [] : [zeros(outputsName), zeros(cachedName)]),
  ];
}

/** A step of the same inputs and output as `trainingStep`, in parts. */
export function compileMicrobatches(
  execution: Pick<Execution, 'compile'>,
  model: TrainingModel,
  config: TrainingConfig,
  { stepsPerEpoch, ...sizes }: PartSizes & { readonly stepsPerEpoch: number },
): CompiledStep {
  const { batch, microbatch, replicas = oneReplica } = sizes;
  const { objective } = model;
  const parts = partsOfBatch(model, config, { batch, microbatch, stepsPerEpoch });
  const inputs = roundInputs({ microbatch, replicas });

  const finish = (loss: number, outcome: ReturnType<CompiledStep>) =>
    model.lossScale ? [Float32Array.of(loss), ...outcome] : [Float32Array.of(loss)];
  if (passAtOnce(sizes)) {
    const run = execution.compile(allPartsStep(model, parts, { replicas, joint: config.syncBatchNorm === true }));
    return (...given) => {
      const results = run(...inputs(given, 0), named(given).whole);
      const losses = results.slice(0, objective.separable ? parts.count : 1);
      let loss = 0;
      for (const [value = 0] of losses) loss += value;
      return finish(loss, results.slice(losses.length));
    };
  }

  /** Each part of a round, with what it is to be computed on. */
  const partsOfRound = (given: readonly Tensor[], resident: StepState['resident']) => {
    const { ofParts, step, first } = roundOf(given, replicas.count);
    return ofParts.map((ofPart, at) => {
      const part = at === 0 ? first : tf.add(first, tf.scalar(at, 'int32'));
      return { ...parts.gather(ofPart, resident, step, part), at };
    });
  };

  /** Inputs: those of a round. Output: the share of the loss of each of its parts. */
  const separableRound: Step = (given, { variables, resident }) => {
    const passes = partsOfRound(given, resident).map(({ views, labels, at }) =>
      onReplica(replicas, at, () =>
        forwardAndBackward(
          model,
          variables,
          views(),
          (outputs) => tf.div(objective.loss(outputs, labels, variables), parts.count) as Scalar,
        ),
      ),
    );
    for (const pass of passes) parts.add(variables, pass);
    for (const { outputs, statistics } of passes) tf.dispose([outputs, statistics]);
    return passes.map(({ value }) => value);
  };

  /** The same inputs. Output: the number of the first part, as it came. */
  const forwardRound: Step = (given, { variables, resident }) => {
    const pass = { variables, frozen: model.frozen, onBatchStatistics: () => {} };
    const all = variable(variables, outputsName);
    for (const { views, places, at } of partsOfRound(given, resident)) {
      const outputs = onReplica(replicas, at, () => outputsOf(model, views(), pass));
      all.assign(updateRows(all as unknown as Tensor2D, places, outputs));
    }
    return [tf.clone(roundOf(given, replicas.count).first)];
  };

  /** Inputs: int32, rows [batch], or labels [batch] or [batch, L]. Output: the loss. Keeps its gradient for the outputs. */
  const contrastAll: Step = ([rows], { variables, resident }) => {
    const labels = parts.labels(rows as Tensor, resident);
    const outputs = variable(variables, outputsName) as unknown as Tensor2D;
    const { value, grad } = tf.valueAndGrad((all: Tensor) => objective.loss(all as Tensor2D, labels, variables))(
      outputs,
    );
    variable(variables, cachedName).assign(grad);
    return [value];
  };

  /** Inputs as of a round. Output: the number of the first part, as it came. */
  const backwardRound: Step = (given, { variables, resident }) => {
    const passes = partsOfRound(given, resident).map(({ views, places, at }) => {
      const cached = gatherRows(variable(variables, cachedName) as unknown as Tensor, places);
      return onReplica(replicas, at, () =>
        forwardAndBackward(model, variables, views(), (outputs) => tf.sum(tf.mul(outputs, cached)) as Scalar),
      );
    });
    for (const pass of passes) parts.add(variables, pass);
    for (const { outputs, statistics } of passes) tf.dispose([outputs, statistics]);
    return [tf.clone(roundOf(given, replicas.count).first)];
  };

  /** Inputs: int32, rows [batch], or labels [batch] or [batch, L]; int32 scalar, step. Updates the variables by the sums, and clears these. */
  const applySums: Step = ([rows, step], { variables, resident }) => {
    const outputs = () => variable(variables, outputsName) as unknown as Tensor2D;
    const whole = objective.separable ? null : { outputs: outputs(), labels: parts.labels(rows as Tensor, resident) };
    const outcome = parts.apply(variables, step as Tensor, whole);
    return outcome.length > 0 ? outcome : [tf.clone(step as Tensor)];
  };

  /** Runs a step for each round. @returns the sum of what the parts gave */
  const eachRound = (run: CompiledStep, given: readonly TensorValue[]) => {
    let sum = 0;
    for (let first = 0; first < parts.count; first += replicas.count)
      for (const [value = 0] of run(...inputs(given, first))) sum += value;
    return sum;
  };
  const apply = execution.compile(applySums);
  if (objective.separable) {
    const run = execution.compile(separableRound);
    return (...given) => {
      const { whole, step } = named(given);
      const loss = eachRound(run, given);
      return finish(loss, apply(whole, step));
    };
  }
  const forward = execution.compile(forwardRound);
  const contrast = execution.compile(contrastAll);
  const backward = execution.compile(backwardRound);
  return (...given) => {
    const { whole, step } = named(given);
    eachRound(forward, given);
    const loss = contrast(whole, step)[0]?.[0] ?? Number.NaN;
    eachRound(backward, given);
    return finish(loss, apply(whole, step));
  };
}

/** The inputs of a step; `whole` is what is needed of the whole batch at once, its rows or its labels. */
const named = (inputs: readonly TensorValue[]) => ({
  whole: inputs.at(-2) as TensorValue,
  step: inputs.at(-1) as TensorValue,
});
