import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainingConfigSchema } from '../../contracts/training.ts';
import { encodeSafetensors } from '../../store/index.ts';
import { capture } from '../../training/capture/index.ts';
import { requireFetchedWeights, startFromInitialWeights } from '../../training/initial-weights.ts';
import { createTrainingModel } from '../../training/model.ts';
import { createVariables } from '../../training/parameters.ts';
import { readState } from '../../training/state.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const format = { height: 16, width: 16, channels: 1, mean: [0.5], deviation: [0.3] };

function open(channels: number, initialWeights?: { path: string; sha256: string }, seed = 0, more: object = {}) {
  const config = trainingConfigSchema.parse({
    encoder: { name: 'small-resnet', channels, blocks: [1] },
    initialWeights,
    seed,
    ...more,
  });
  const model = createTrainingModel(config, format, 2);
  return { config, model, execution: capture({ variables: createVariables(model.state, seed), resident: {} }) };
}

async function weightsFile(name: string, channels: number, drop = '') {
  const { model, execution } = open(channels, undefined, 9);
  const tensors = readState(model.encoder.parameters, execution).filter((tensor) => tensor.name !== drop);
  const content = Buffer.concat(encodeSafetensors(tensors));
  const path = join(folder, name);
  await writeFile(path, content);
  return { path, sha256: createHash('sha256').update(content).digest('hex'), tensors };
}

describe('initial weights', () => {
  it('start the encoder, and leave the rest as the seed makes it', async () => {
    const { path, sha256, tensors } = await weightsFile('whole.safetensors', 8);
    const session = open(8, { path, sha256 });
    const before = readState(session.model.state, session.execution);
    await startFromInitialWeights(session);
    expect(readState(session.model.encoder.parameters, session.execution)).toEqual(tensors);
    const rest = (all: typeof before) => all.filter(({ name }) => name.startsWith('projection_'));
    expect(rest(readState(session.model.state, session.execution))).toEqual(rest(before));
  });

  it('are read no further once the job is asked to stop, and say how far they are', async () => {
    const { path, sha256 } = await weightsFile('stopped.safetensors', 8);
    const said: { phase: string; done: number }[] = [];
    const context = { progress: (progress: { phase: string; done: number }) => said.push(progress) };
    await startFromInitialWeights(open(8, { path, sha256 }), undefined, { ...context, stopRequested: () => false });
    expect(said.at(-1)).toMatchObject({ phase: 'reading weights', done: 100, total: 100, unit: '%' });
    const session = open(8, { path, sha256 });
    const before = readState(session.model.state, session.execution);
    // As the message comes after some pieces were read.
    let asked = 0;
    const stopRequested = () => ++asked > 2;
    await expect(startFromInitialWeights(session, undefined, { ...context, stopRequested })).rejects.toMatchObject({
      name: 'JobStopped',
      at: null,
    });
    expect(asked).toBe(3);
    expect(readState(session.model.state, session.execution)).toEqual(before);
  });

  it('are refused by name where they do not fit', async () => {
    const whole = await weightsFile('fits.safetensors', 8);
    const start = (weights: { path: string; sha256: string }, channels = 8) =>
      startFromInitialWeights(open(channels, { path: weights.path, sha256: weights.sha256 }));
    await expect(start({ ...whole, path: join(folder, 'none') })).rejects.toThrow(
      `none is not there: the worker has no file ${join(folder, 'none')}. Put it there, or name it by its absolute path`,
    );
    await expect(start({ ...whole, path: 'none.safetensors' })).rejects.toThrow(resolve('none.safetensors'));
    await expect(start({ ...whole, sha256: '0'.repeat(64) })).rejects.toThrow(/has SHA-256 [0-9a-f]{64}, not 0{64}/);
    await expect(start(whole, 16)).rejects.toThrow(/holds stem_conv\/kernel as F32 \[3,3,1,8\]; .* F32 \[3,3,1,16\]/);
    const partial = await weightsFile('partial.safetensors', 8, 'post_bn/gamma');
    await expect(start(partial)).rejects.toThrow(/has no tensor post_bn\/gamma/);
    await writeFile(join(folder, 'text'), 'hello');
    const text = { path: join(folder, 'text'), sha256: createHash('sha256').update('hello').digest('hex') };
    await expect(start(text)).rejects.toThrow(/is not a safetensors file/);
  });

  it.each([
    {},
    { ema: { decay: 0.9 } },
    { loss: 'arcFace' },
    { loss: { supcon: { queue: 8 } }, precision: 'float16' },
    { sampler: { balanced: { perClass: 4, within: 'confused' } } },
  ])('may be the whole state of a training with %j, of which the encoder is taken', async (settings) => {
    const { model, execution } = open(8, undefined, 9, settings);
    const content = Buffer.concat(encodeSafetensors(readState(model.state, execution)));
    const path = join(folder, 'state.safetensors');
    await writeFile(path, content);
    const session = open(8, { path, sha256: createHash('sha256').update(content).digest('hex') });
    await startFromInitialWeights(session);
    const encoderOf = ({ model: { encoder }, execution: of }: Pick<typeof session, 'model' | 'execution'>) =>
      readState(encoder.parameters, of);
    expect(encoderOf(session)).toEqual(encoderOf({ model, execution }));
  });

  it('of the hub are asked of the worker, where they are not there', async () => {
    const config = trainingConfigSchema.parse({ initialWeights: { from: 'hf:a/b@v1', sha256: '0'.repeat(64) } });
    const missing = expect.objectContaining({ code: 'WeightsMissing', message: expect.stringContaining('hf:a/b@v1') });
    await expect(requireFetchedWeights(config, undefined)).rejects.toEqual(missing);
    await expect(requireFetchedWeights(config, join(folder, 'none'))).rejects.toEqual(missing);
    await writeFile(join(folder, 'some'), '');
    await requireFetchedWeights(config, join(folder, 'some'));
  });
});
