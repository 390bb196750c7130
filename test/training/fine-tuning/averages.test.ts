import { describe, expect, it } from 'vitest';
import { encoderAboutSchema } from '../../../contracts/encoder.ts';
import { trainEpochInput } from '../../../contracts/trainer.ts';
import { decodeSafetensors, float32, readAbout, readArtifactFile, type StoredTensor } from '../../../store/index.ts';
import { createTrainingJobs, JobStopped } from '../../../training/index.ts';
import { trainEpochs } from '../run.ts';
import { fineTuned, small } from './fine-tuned.ts';

const { store, dataset, open, stateOf } = await fineTuned();
const averaged = { ...small, freeze: { until: 'stem' }, ema: { decay: 0.8 } };

const encoderOf = async ({ encoder }: Awaited<ReturnType<typeof trainEpochs>>['made']) =>
  decodeSafetensors(await readArtifactFile(store, encoder, 'encoder.safetensors')).tensors;

describe('the encoder that is taken out of a training with averages', () => {
  it('has the averages, with statistics of batch normalisation of its own, and the frozen weights as they were', async () => {
    const { made } = await trainEpochs(open('averaged', averaged), 1);
    const [state, encoder] = [await stateOf('averaged'), await encoderOf(made)];
    const names = [...encoder.keys()].filter((name) => state.has(`ema/${name}`));
    expect(names).toHaveLength(2 * 4 + 5 + 2);
    for (const name of names) {
      expect(encoder.get(name)?.data, name).toEqual(state.get(`ema/${name}`)?.data);
      expect(encoder.get(name)?.data, name).not.toEqual(state.get(name)?.data);
    }
    const projection = decodeSafetensors(await readArtifactFile(store, made.encoder, 'projection.safetensors')).tensors;
    expect(projection.size).toBe(4);
    for (const [name, { data }] of projection) expect(data, name).toEqual(state.get(`ema/${name}`)?.data);
    const untrained = await stateAtStart();
    expect(encoder.get('stem_conv/kernel')?.data).toEqual(untrained.get('stem_conv/kernel')?.data);
    for (const name of [...encoder.keys()].filter((each) => each.includes('moving_')))
      expect(encoder.get(name)?.data, name).not.toEqual(state.get(name)?.data);
  });

  it('leaves the statistics of frozen batch normalisation as they were, and says over how many images it took others', async () => {
    const { made } = await trainEpochs(open('frozen', { ...averaged, freeze: 'all' }), 1);
    const [state, encoder] = [await stateOf('frozen'), await encoderOf(made)];
    for (const [name, { data }] of encoder) expect(data, name).toEqual(state.get(name)?.data);
    expect([...float32(encoder.get('post_bn/moving_variance') as StoredTensor)]).toEqual(Array(8).fill(1));
    expect((await readAbout(store, made.encoder, encoderAboutSchema)).batchNormImages).toBe(0);
  });
});

/** The weights that every training here begins with. */
async function stateAtStart() {
  await expect(open('start', averaged).train(1, undefined, 2)).rejects.toBeInstanceOf(JobStopped);
  return stateOf('start');
}

it('averages that begin in the middle of a training begin with the weights of that epoch', async () => {
  const key = { run: 'later', step: 'pretrain' };
  const before = small;
  const { digest } = await open('later', before).train(1);
  const weights = await stateOf('later');
  // A rate of next to nothing: what the averages are then is what they began with.
  const still = { ...small, ema: { decay: 0.5 }, optimizer: { name: 'sgd', learningRate: 1e-12, momentum: 0 } };
  const input = trainEpochInput.parse({
    ...{ ...key, dataset, checkpoint: {}, epoch: 2, config: still },
    ...{ recorded: { epoch: 1, digest }, earlier: [{ through: 1, dataset, config: before }] },
  });
  await createTrainingJobs()['train-epoch'](input, { store, key, stopRequested: () => false, progress: () => {} });
  const after = await stateOf('later');
  const averages = [...after.keys()].filter((name) => name.startsWith('ema/'));
  expect(averages.length).toBeGreaterThan(10);
  for (const name of averages) {
    const [average, weight] = [after.get(name), weights.get(name.slice('ema/'.length))].map((tensor) => [
      ...float32(tensor as StoredTensor),
    ]);
    average?.forEach((value, at) => void expect(value, name).toBeCloseTo(weight?.[at] ?? Number.NaN, 6));
  }
});
