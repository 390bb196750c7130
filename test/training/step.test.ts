import { describe, expect, it } from 'vitest';
import { type ContrastiveConfig, trainingConfigSchema } from '../../contracts/training.ts';
import { capture, type Execution, eagerExecution, type StepState } from '../../training/capture/index.ts';
import { createTrainingModel } from '../../training/model.ts';
import { createVariables } from '../../training/parameters.ts';
import { residentImages } from '../../training/resident-images.ts';
import { trainingStep } from '../../training/step.ts';
import { tf } from '../../training/tensorflow.ts';
import { everything } from './augmentation/given.ts';

const settings = {
  encoder: { name: 'small-resnet', channels: 4, blocks: [1, 1] },
  projection: { hidden: 16, output: 8 },
  optimizer: 'adam',
  augmentation: { flip: 0.5, rotation: 0.1, zoom: 0.1, crop: {}, jitter: {}, grey: 0.2 },
  batch: 8,
};
const configs = {
  'two views': trainingConfigSchema.parse(settings),
  'small views too, and every operation': trainingConfigSchema.parse({
    ...settings,
    augmentation: everything,
    multiCrop: { views: 3, size: 8 },
    loss: { supcon: { queue: 20 } },
  }),
};

function setUp(config: ContrastiveConfig, execute: (state: StepState) => Execution) {
  const model = createTrainingModel(config, {
    height: 16,
    width: 16,
    channels: 3,
    mean: [0.5, 0.5, 0.5],
    deviation: [0.3, 0.3, 0.3],
  });
  const count = 16;
  const images = Uint8Array.from({ length: count * 16 * 16 * 3 }, (_, at) => (at * 37) % 256);
  const data = residentImages({
    images,
    labels: Int32Array.from({ length: count }, (_, row) => row % 2),
    count,
    height: 16,
    width: 16,
    channels: 3,
  });
  const execution = execute({ variables: createVariables(model.state, 7), resident: { ...data } });
  const step = execution.compile(trainingStep(model, config, 4));
  const rows = { dtype: 'int32', shape: [8], values: Int32Array.from({ length: 8 }, (_, row) => row) } as const;
  return (index: number) => step(rows, { dtype: 'int32', shape: [], values: Int32Array.of(index) })[0]?.[0];
}

describe('a training step', () => {
  for (const [name, config] of Object.entries(configs))
    for (const [engine, execute] of Object.entries({ graph: capture, eager: eagerExecution })) {
      const steps = config.multiCrop ? 4 : 200;
      it(`leaks no tensor over ${steps} steps (${name}, ${engine})`, () => {
        const step = setUp(config, execute);
        step(0);
        const before = { tensors: tf.memory().numTensors, native: nativeTensors() };
        for (let index = 1; index <= steps; index++) step(index);
        expect({ tensors: tf.memory().numTensors, native: nativeTensors() }).toEqual(before);
      });

      it(`gives the same losses from the same state (${name}, ${engine})`, () => {
        const [a, b] = [setUp(config, execute), setUp(config, execute)];
        const numbers = config.multiCrop ? [0, 1] : [0, 1, 2, 3];
        expect(numbers.map(a)).toEqual(numbers.map(b));
      });
    }
});

const nativeTensors = () => (tf.backend() as unknown as { getNumOfTFTensors(): number }).getNumOfTFTensors();
