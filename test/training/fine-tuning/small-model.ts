import { classifierConfigSchema, type TrainingConfig, trainingConfigSchema } from '../../../contracts/training.ts';
import { startAverages } from '../../../training/averages.ts';
import { capture, eagerExecution } from '../../../training/capture/index.ts';
import { compileMicrobatches, microbatchVariables } from '../../../training/microbatch.ts';
import { createTrainingModel } from '../../../training/model.ts';
import { createVariables } from '../../../training/parameters.ts';
import { residentImages } from '../../../training/resident-images.ts';
import { trainingStep } from '../../../training/step.ts';

/** A step of eight made images of 12 pixels, through an encoder of three blocks. */
export const [batch, side] = [8, 12];
const format = { height: side, width: side, channels: 1, mean: [0.5], deviation: [0.3] };
const settings = {
  encoder: { name: 'small-resnet', channels: 4, blocks: [1, 2] },
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9 },
  batch,
};
export const supcon = (changes: object = {}): TrainingConfig =>
  trainingConfigSchema.parse({ ...settings, projection: { hidden: 16, output: 8 }, ...changes });
export const crossEntropy = (changes: object = {}): TrainingConfig =>
  classifierConfigSchema.parse({ ...settings, ...changes });

export const engines = { graph: capture, eager: eagerExecution } as const;

/** A training of that config, from the weights of seed 7. */
export function openModel(config: TrainingConfig, engine: keyof typeof engines = 'graph') {
  const model = createTrainingModel(config, format, 2);
  const { microbatch = batch } = config;
  const resident = residentImages({
    images: Uint8Array.from({ length: batch * side * side }, (_, at) => Math.imul(at + 1, 2654435761) >>> 24),
    labels: Int32Array.from({ length: batch }, (_, row) => row % 2),
    ...{ count: batch, height: side, width: side, channels: 1 },
  });
  const specs = [...model.state, ...(microbatch < batch ? microbatchVariables(model, { batch, microbatch }) : [])];
  const state = { variables: createVariables(specs, 7), resident: { ...resident } };
  const execution = engine === 'eager' ? eagerExecution(state) : capture(state, { precision: config.precision });
  startAverages(model, execution);
  const step =
    microbatch < batch
      ? compileMicrobatches(execution, model, config, { batch, microbatch, stepsPerEpoch: 4 })
      : execution.compile(trainingStep(model, config, 4));
  const names = model.state.map(({ name }) => name);
  return {
    model,
    execution,
    /** @returns the loss */
    run: (index: number): number =>
      step(
        { dtype: 'int32', shape: [batch], values: Int32Array.from({ length: batch }, (_, row) => row) },
        { dtype: 'int32', shape: [], values: Int32Array.of(index) },
      )[0]?.[0] ?? Number.NaN,
    read: () => new Map(execution.read(names).map((values, at) => [names[at] ?? '', [...values]])),
    close: execution.dispose,
  };
}

/** The largest difference between numbers of the same names, over the largest of their size. */
export function difference(
  a: ReadonlyMap<string, readonly number[]>,
  b: ReadonlyMap<string, readonly number[]>,
): { readonly relative: number; readonly name: string } {
  let worst = { relative: 0, name: '' };
  for (const [name, values] of a) {
    const others = b.get(name) ?? [];
    const size = Math.max(1e-3, ...values.map(Math.abs));
    values.forEach((value, at) => {
      const relative = Math.abs(value - (others[at] ?? Number.NaN)) / size;
      if (!(relative <= worst.relative)) worst = { relative, name };
    });
  }
  return worst;
}
