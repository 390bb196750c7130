import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadEncoder } from '../../activities/load-encoder.ts';
import { encoderAboutSchema, encoderFiles, trainedOn } from '../../contracts/encoder.ts';
import { loadEncoderParameters, loadEncoderResult } from '../../contracts/kinds/load-encoder.ts';
import { trainerJobs } from '../../contracts/trainer.ts';
import { encoderSchema } from '../../contracts/training.ts';
import { withProjections } from '../../evaluation/frozen-encoder.ts';
import { stepJobs } from '../../evaluation/index.ts';
import {
  bytesOf,
  decodeSafetensors,
  encodeSafetensors,
  readAbout,
  readArtifactFile,
  writeArtifact,
} from '../../store/index.ts';
import { capture } from '../../training/capture/index.ts';
import { exportModel, modelCard } from '../../training/index.ts';
import { createEncoder } from '../../training/models/create-encoder.ts';
import { createVariables } from '../../training/parameters.ts';
import { readState } from '../../training/state.ts';
import { generatedData, smallConfig } from '../training/small-training.ts';
import { digestOf, sendFile, startServer, type TestServer } from '../weights/hub.ts';

/** An encoder whose weights are taken from elsewhere as they are: what an adapter is put on. */
const { store, dataset } = await generatedData(48);
const encoder = encoderSchema.parse(smallConfig.encoder);
let folder = '';
let hub: TestServer;
let content: Buffer;
let sha256 = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  const { parameters } = createEncoder(encoder, { height: 32, width: 32, channels: 1 });
  const execution = capture({ variables: createVariables(parameters, 77), resident: {} });
  content = Buffer.concat(encodeSafetensors(readState(parameters, execution)));
  execution.dispose();
  sha256 = digestOf(content);
  hub = await startServer((response, request) => sendFile(content, response, request));
  process.env.HF_ENDPOINT = hub.origin;
  process.env.HF_HOME = folder;
});
afterAll(async () => {
  hub.close();
  await rm(folder, { recursive: true, force: true });
});

/** The activity, as the worker runs it, with a trainer in this process. */
async function load(weights: object, more: object = {}) {
  const parameters = JSON.parse(
    JSON.stringify(loadEncoderParameters.parse({ encoder, weights, normalise: 'half', ...more })),
  );
  const asked: unknown[] = [];
  const host = {
    run: async (_: string, input: object) => {
      const given = trainerJobs['load-encoder'].input.parse(input);
      asked.push(given.parameters.weights);
      const key = { run: 'r', step: 's' };
      return stepJobs['load-encoder'](given, { store, key, stopRequested: () => false, progress: () => {} });
    },
    close: async () => {},
  };
  const context = { store, host, cacheFolder: folder, ownSteps: false, say: () => {}, environment: {} } as never;
  const fingerprint = JSON.stringify({ uses: 'load-encoder', parameters });
  const input = { run: 'r', step: 's', parameters, inputs: { dataset }, fingerprint };
  const made = await new MockActivityEnvironment().run((given: typeof input) => loadEncoder(context, given), input);
  return { ...loadEncoderResult.parse(made), asked };
}

describe('load-encoder', () => {
  it('takes the weights as they are, with the normalisation that they expect, and claims no training', async () => {
    const path = join(folder, 'own.safetensors');
    await writeFile(path, content);
    const { encoder: ref, dimension, names } = await load({ path, sha256 });
    expect({ dimension, names }).toEqual({ dimension: 4, names: 'contrail' });
    const about = await readAbout(store, ref, encoderAboutSchema);
    expect(about).toMatchObject({
      encoder,
      epochs: 0,
      trainingState: sha256,
      image: { mean: [0.5], deviation: [0.5] },
    });
    expect(trainedOn(about)).toEqual([]);
    const kept = decodeSafetensors(await readArtifactFile(store, ref, encoderFiles.encoder)).tensors;
    for (const [name, tensor] of decodeSafetensors(content).tensors) expect(kept.get(name)?.data).toEqual(tensor.data);
    const card = modelCard(await exportModel(store, { encoder: ref, classifier: null }), {
      run: 'r',
      evaluation: null,
    });
    expect(card).toContain('A small-resnet whose weights came from elsewhere, and are as they were.');
    expect(card).toContain(`- File of weights: SHA-256 ${sha256}`);
    expect(card).not.toContain('undefined');
  });

  it('has the worker fetch weights of the hub: the trainer is given a file, and the encoder is the same', async () => {
    const path = join(folder, 'own.safetensors');
    const fetched = await load({ from: 'hf:org/small@v1', sha256 });
    expect(hub.asked).toHaveLength(1);
    expect(fetched.asked).toEqual([{ path: join(folder, 'weights', `${sha256}.safetensors`), sha256 }]);
    expect(fetched.encoder).toEqual((await load({ path, sha256 })).encoder);
  });

  it('of weights that are too large gives no embeddings: they would be no numbers, and found by every search', async () => {
    const path = join(folder, 'large.safetensors');
    const tensors = [...decodeSafetensors(content).tensors.values()].map((tensor) =>
      tensor.name.endsWith('gamma')
        ? { ...tensor, data: bytesOf(new Float32Array(tensor.data.length / 4).fill(3e38)) }
        : tensor,
    );
    const large = Buffer.concat(encodeSafetensors(tensors));
    await writeFile(path, large);
    const { encoder: ref } = await load({ path, sha256: digestOf(large) });
    const key = { run: 'r', step: 's' };
    const context = { store, key, stopRequested: () => false, progress: () => {} };
    const given = trainerJobs.embed.input.parse({ ...key, encoder: ref, dataset, parameters: {} });
    await expect(stepJobs.embed(given, context)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(/^The embedding of row \d+ is infinite or no number\./),
    });
  });

  it('gives no projections that are no numbers', async () => {
    const path = join(folder, 'own.safetensors');
    await writeFile(path, content);
    const { encoder: plain } = await load({ path, sha256 });
    const filled = (name: string, shape: readonly number[], value: number) => {
      const values = new Float32Array(shape.reduce((a, b) => a * b)).fill(value);
      return { name, dtype: 'F32', shape, data: bytesOf(values) } as const;
    };
    const head = [filled('projection_output/kernel', [4, 2], 0), filled('projection_output/bias', [2], Number.NaN)];
    const ref = await writeArtifact(store, {
      kind: 'encoder',
      about: await readAbout(store, plain, encoderAboutSchema),
      files: [
        { path: encoderFiles.encoder, content: await readArtifactFile(store, plain, encoderFiles.encoder) },
        { path: encoderFiles.projection, content: encodeSafetensors(head) },
      ],
    });
    const context = { store, key: { run: 'r', step: 's' }, stopRequested: () => false, progress: () => {} };
    const projected = withProjections({ encoder: ref, dataset }, context, (featuresOf) => featuresOf('test'));
    await expect(projected).rejects.toThrow(/^The projection of row 0 is infinite or no number\./);
  });

  it('refuses a file that does not fit, by the name of the weight', async () => {
    const other = { name: 'small-resnet', channels: 8, blocks: [1] };
    const path = join(folder, 'own.safetensors');
    await expect(load({ path, sha256 }, { encoder: other })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringMatching(/^weights: .*own\.safetensors .*stem_conv\/kernel/s),
    });
    await expect(load({ path: join(folder, 'none'), sha256 })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('is not there: the worker has no file'),
    });
  });
});
