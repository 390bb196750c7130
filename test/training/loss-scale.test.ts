import { describe, expect, it } from 'vitest';
import { trainingConfigSchema } from '../../contracts/training.ts';
import { type CaptureOptions, capture } from '../../training/capture/index.ts';
import { createTrainingModel } from '../../training/model.ts';
import { UpdateOutcome } from '../../training/optimizers/loss-scale.ts';
import { createVariables } from '../../training/parameters.ts';
import { residentImages } from '../../training/resident-images.ts';
import { trainingStep } from '../../training/step.ts';

const side = 16;
const count = 64;
const images = Uint8Array.from({ length: count * side * side * 3 }, (_, at) => Math.imul(at, 2654435761) >>> 24);
const labels = Int32Array.from({ length: count }, (_, row) => row % 4);
const scaleNames = ['loss-scale/scale', 'loss-scale/good_steps', 'loss-scale/skipped_steps'] as const;

/** A training on made images that tells its loss, what became of the update, and its state. */
function open(precision: 'float32' | 'float16', changes: object = {}) {
  const config = trainingConfigSchema.parse({
    encoder: { name: 'small-resnet', channels: 4, blocks: [1, 1] },
    projection: { hidden: 16, output: 8 },
    loss: { supcon: { queue: 40 } },
    batch: 16,
    precision,
    ...changes,
  });
  const format = { height: side, width: side, channels: 3, mean: [0.5, 0.5, 0.5], deviation: [0.3, 0.3, 0.3] };
  const model = createTrainingModel(config, format);
  const options: CaptureOptions = { precision };
  const resident = { ...residentImages({ images, labels, count, height: side, width: side, channels: 3 }) };
  const execution = capture({ variables: createVariables(model.state, 7), resident }, options);
  const step = execution.compile(trainingStep(model, config, 4));
  const names = model.state.map(({ name }) => name);
  const run = (index: number) => {
    const rows = Int32Array.from({ length: 16 }, (_, row) => (index * 16 + row * 3) % count);
    const [loss, outcome] = step(
      { dtype: 'int32', shape: [16], values: rows },
      { dtype: 'int32', shape: [], values: Int32Array.of(index) },
    );
    return { loss: loss?.[0] ?? Number.NaN, outcome: outcome?.[0] };
  };
  const state = () => new Map(execution.read(names).map((values, index) => [names[index] ?? '', bits(values)]));
  const learned = () => new Map([...state()].filter(([name]) => !name.startsWith('loss-scale/')));
  const scaling = () => execution.read(scaleNames).map(([value]) => value);
  const setScaling = (...values: [scale: number, good: number, skipped: number]) =>
    execution.write(new Map(scaleNames.map((name, index) => [name, Float32Array.of(values[index] ?? 0)])));
  return { run, state, learned, scaling, setScaling, names, write: execution.write, close: execution.dispose };
}

/** Tells 0 from -0. */
const bits = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');
const floats = (hex: string) => new Float32Array(new Uint8Array(Buffer.from(hex, 'hex')).buffer);

const optimizers: [string, object][] = [
  ['AdamW', { optimizer: { name: 'adam', weightDecay: 0.01 } }],
  ['Nesterov', { optimizer: { name: 'sgd', learningRate: 0.01, nesterov: true, weightDecay: 1e-3 } }],
  ['SGD', { optimizer: { name: 'sgd', learningRate: 0.01, momentum: 0 } }],
];

describe('a training in float16', () => {
  it.each(optimizers)('learns much as in float32 over 20 steps: %s', (_, changes) => {
    const [half, full] = [open('float16', changes), open('float32', changes)];
    const steps = Array.from({ length: 20 }, (_, index) => [half.run(index), full.run(index)] as const);
    for (const [{ loss, outcome }, reference] of steps) {
      expect(outcome).toBe(UpdateOutcome.applied);
      expect(Math.abs(loss - reference.loss) / reference.loss).toBeLessThan(0.03);
    }
    expect(steps.map(([{ loss }]) => loss)).not.toEqual(steps.map(([, { loss }]) => loss));
    expect(half.scaling()).toEqual([2 ** 15, 20, 0]);
    half.close();
    full.close();
  });

  it('lowers the loss on a batch that it sees again and again', () => {
    const training = open('float16', { augmentation: 'none', loss: { supcon: { queue: 0 } } });
    const losses = Array.from({ length: 20 }, () => training.run(0).loss);
    expect(losses.at(-1) ?? Number.NaN).toBeLessThan(0.8 * (losses[0] ?? Number.NaN));
    training.close();
  });

  it.each(optimizers)('leaves an update out that overflows, to the last bit, and recovers: %s', (_, changes) => {
    const training = open('float16', changes);
    for (let index = 0; index < 3; index++) training.run(index);
    training.setScaling(2 ** 60, 7, 0);
    const before = training.learned();
    const { loss, outcome } = training.run(3);
    expect(outcome).toBe(UpdateOutcome.skipped);
    expect(loss).toBeGreaterThan(0);
    expect(loss).toBeLessThan(100);
    expect(training.learned()).toEqual(before);
    expect(training.scaling()).toEqual([2 ** 59, 0, 1]);
    let taken = 4;
    while (training.run(taken).outcome === UpdateOutcome.skipped) {
      expect(training.learned()).toEqual(before);
      taken++;
    }
    const [scale = 0, good, skipped] = training.scaling();
    expect(training.learned()).not.toEqual(before);
    expect([scale, good, skipped]).toEqual([2 ** (60 - (taken - 3)), 1, taken - 3]);
    training.close();
  });

  it('corrects the bias of Adam by updates, not by steps', () => {
    const [late, early] = [open('float16'), open('float16')];
    // Five steps were left out before the sixth, whose batch and views both take.
    late.setScaling(2 ** 15, 0, 5);
    early.setScaling(2 ** 15, 0, 0);
    const kernel = 'stem_conv/kernel';
    const start = floats(late.state().get(kernel) ?? '');
    late.run(5);
    early.run(5);
    const move = (hex: string | undefined) => Math.abs((floats(hex ?? '')[0] ?? 0) - (start[0] ?? 0));
    // Adam's first update moves each weight by the learning rate.
    expect(move(late.state().get(kernel))).toBeCloseTo(0.001, 5);
    expect(move(early.state().get(kernel))).toBeLessThan(0.0007);
    late.close();
    early.close();
  });

  it('doubles the scale after 2000 updates in a row', () => {
    const training = open('float16');
    training.setScaling(2 ** 10, 1998, 0);
    training.run(0);
    expect(training.scaling()).toEqual([2 ** 10, 1999, 0]);
    training.run(1);
    expect(training.scaling()).toEqual([2 ** 11, 0, 0]);
    training.close();
  });

  it('says so where a scale of 1 is still too much, and changes nothing', () => {
    const training = open('float16');
    training.setScaling(1, 0, 0);
    const weights = floats(training.state().get('stem_conv/kernel') ?? '').fill(1e30);
    training.write(new Map([['stem_conv/kernel', weights]]));
    const before = training.learned();
    expect(training.run(0).outcome).toBe(UpdateOutcome.exhausted);
    expect(training.learned()).toEqual(before);
    expect(training.scaling()[0]).toBe(1);
    training.close();
  });

  it('goes on from its state with the same bits, the scale among them', () => {
    const [through, first, second] = [open('float16'), open('float16'), open('float16')];
    for (const training of [through, first]) training.setScaling(2 ** 30, 0, 0);
    const steps = 8;
    const outcomes = Array.from({ length: steps }, (_, index) => through.run(index).outcome);
    expect(outcomes).toContain(UpdateOutcome.skipped);
    for (let index = 0; index < steps / 2; index++) first.run(index);
    second.write(new Map([...first.state()].map(([name, hex]) => [name, floats(hex)])));
    for (let index = steps / 2; index < steps; index++) second.run(index);
    expect(second.state()).toEqual(through.state());
    for (const training of [through, first, second]) training.close();
  });

  it('has a scale in its state, and no other training has', () => {
    const [half, full] = [open('float16'), open('float32')];
    expect(half.names.filter((name) => !full.names.includes(name))).toEqual(scaleNames);
    half.close();
    full.close();
  });
});
