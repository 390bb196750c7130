import { type EncoderConfig, type TrainingConfig, trainingConfigSchema } from '../contracts/training.ts';
import { type CaptureReport, capture, eagerExecution } from '../training/capture/index.ts';
import { createTrainingModel } from '../training/model.ts';
import { createVariables } from '../training/parameters.ts';
import { residentImages } from '../training/resident-images.ts';
import { trainingStep } from '../training/step.ts';

/** A training on made images, step by step. */
export interface Ours {
  readonly parameters: number;
  readonly firstStepMilliseconds: number;
  readonly run: (count: number) => { readonly milliseconds: number[]; readonly losses: number[] };
  readonly state: () => readonly Float32Array[];
  readonly report: () => CaptureReport | null;
  readonly dispose: () => void;
}

export interface Workload {
  readonly encoder: EncoderConfig;
  readonly batch: number;
  readonly optimizer: 'adam' | 'sgd';
  readonly engine?: TrainingConfig['engine'];
  readonly precision?: TrainingConfig['precision'];
  readonly learningRate?: number;
}

const side = 32;
const count = 1024;

/** Opens a training and takes its first step, which captures it. */
export function openOurs({ encoder, batch, optimizer, engine, precision, learningRate }: Workload): Ours {
  const config = trainingConfigSchema.parse({
    encoder,
    batch,
    engine,
    precision,
    optimizer: { name: optimizer, ...(learningRate === undefined ? {} : { learningRate }) },
  });
  const model = createTrainingModel(config, { height: side, width: side, channels: 1, mean: [0.5], deviation: [0.3] });
  const images = Uint8Array.from({ length: count * side * side }, (_, at) => Math.imul(at, 2654435761) >>> 24);
  const labels = Int32Array.from({ length: count }, (_, row) => row % 10);
  const state = {
    variables: createVariables(model.state, config.seed),
    resident: { ...residentImages({ images, labels, count, height: side, width: side, channels: 1 }) },
  };
  const captured = config.engine === 'graph' ? capture(state, { precision: config.precision }) : null;
  const execution = captured ?? eagerExecution(state);
  const step = execution.compile(trainingStep(model, config, Math.floor(count / batch)));
  const rows = new Int32Array(batch);
  const number = new Int32Array(1);
  const inputs = [
    { dtype: 'int32', shape: [batch], values: rows },
    { dtype: 'int32', shape: [], values: number },
  ] as const;
  const run = (steps: number) => {
    const milliseconds: number[] = [];
    const losses: number[] = [];
    for (let index = 0; index < steps; index++) {
      const at = number[0] ?? 0;
      for (let row = 0; row < batch; row++) rows[row] = (at * batch + row * 7) % count;
      const started = performance.now();
      losses.push(step(...inputs)[0]?.[0] ?? Number.NaN);
      milliseconds.push(performance.now() - started);
      number[0] = at + 1;
    }
    return { milliseconds, losses };
  };
  const firstStepMilliseconds = run(1).milliseconds[0] ?? 0;
  number[0] = 0;
  const names = model.state.map(({ name }) => name);
  return {
    parameters: model.state
      .filter(({ name }) => !name.startsWith('optimizer/'))
      .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    firstStepMilliseconds,
    run,
    state: () => execution.read(names),
    report: () => captured?.report() ?? null,
    dispose: execution.dispose,
  };
}
