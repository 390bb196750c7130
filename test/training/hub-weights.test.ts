import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TrainEpochStepInput, trainEpoch } from '../../activities/training.ts';
import type { InitialWeights } from '../../contracts/initial-weights.ts';
import { pretrainParameters } from '../../contracts/kinds/pretrain.ts';
import {
  type JobInput,
  type JobResult,
  type TrainEpochResult,
  type TrainerJob,
  trainerJobs,
} from '../../contracts/trainer.ts';
import { encodeSafetensors } from '../../store/index.ts';
import { capture } from '../../training/capture/index.ts';
import type { TrainerHost } from '../../training/host.ts';
import { createTrainingJobs } from '../../training/index.ts';
import { createTrainingModel } from '../../training/model.ts';
import { createVariables } from '../../training/parameters.ts';
import { readState } from '../../training/state.ts';
import { digestOf, sendFile, startServer, type TestServer } from '../weights/hub.ts';
import { generatedData, smallConfig } from './small-training.ts';

let loss = 0;
const { store, dataset } = await generatedData(48);
let folder = '';
let hub: TestServer;
let content: Buffer;
let sha256 = '';
let cutAfter: number | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  const config = pretrainParameters.parse(smallConfig);
  const format = { height: 32, width: 32, channels: 1, mean: [0.5], deviation: [0.3] };
  const { parameters } = createTrainingModel(config, format).encoder;
  const execution = capture({ variables: createVariables(parameters, 77), resident: {} });
  content = Buffer.concat(encodeSafetensors(readState(parameters, execution)));
  execution.dispose();
  sha256 = digestOf(content);
  hub = await startServer((response, request) => sendFile(content, response, request, cutAfter));
  process.env.HF_ENDPOINT = hub.origin;
  process.env.HF_HOME = folder;
});
afterAll(async () => {
  hub.close();
  await rm(folder, { recursive: true, force: true });
});

/** A trainer in this process, and the jobs that it was asked for. */
function hostHere(): TrainerHost & { readonly asked: string[] } {
  const jobs = createTrainingJobs();
  const asked: string[] = [];
  return {
    asked,
    run: async <J extends TrainerJob>(job: J, input: JobInput<J>, { signal }: { readonly signal: AbortSignal }) => {
      asked.push(job);
      const work = jobs[job as 'train-epoch'] as unknown as (given: unknown, context: object) => Promise<JobResult<J>>;
      const key = { run: input.run, step: input.step };
      return work(trainerJobs[job].input.parse(input), {
        store,
        key,
        stopRequested: () => signal.aborted,
        progress: () => {},
      });
    },
    close: async () => {},
    closeAll: async () => {},
  };
}

/** The activity that trains an epoch, as the worker runs it. */
async function activity(run: string, initialWeights: InitialWeights, host = hostHere(), more: object = {}) {
  const input = {
    run,
    step: 'pretrain',
    uses: 'pretrain',
    dataset,
    parameters: JSON.parse(JSON.stringify(pretrainParameters.parse({ ...smallConfig, initialWeights }))),
    epoch: 1,
    ...more,
  } as TrainEpochStepInput;
  const context = { store, host, cacheFolder: folder, ownSteps: false, say: () => {}, environment: {} };
  const environment = new MockActivityEnvironment();
  const beats: unknown[] = [];
  environment.on('heartbeat', (details) => beats.push(details));
  const result = (await environment.run(
    (given: TrainEpochStepInput) => trainEpoch(context, given),
    input,
  )) as TrainEpochResult;
  return { result, beats, asked: host.asked };
}

const ofHub = () => ({ from: 'hf:org/small@v1', sha256 });

describe('a training that starts from weights of the hub', () => {
  it('has the worker fetch them, through what is cut off, and is that from the same file', async () => {
    cutAfter = 1000;
    const { result, beats, asked } = await activity('fetched', ofHub());
    cutAfter = undefined;
    expect(asked.filter((job) => job === 'train-epoch')).toHaveLength(2);
    expect(hub.asked.length).toBeGreaterThan(1);
    expect(beats).toContainEqual({ phase: 'fetching initial weights', done: 100, total: 100, unit: '%' });
    const path = join(folder, 'own.safetensors');
    await writeFile(path, content);
    loss = result.metrics.loss;
    expect((await activity('own', { path, sha256 })).result.metrics.loss).toBe(loss);
  });

  it('goes on from its checkpoint where neither weights nor hub are there any more', async () => {
    const first = await activity('resumed', ofHub());
    await unlink(join(folder, 'weights', `${sha256}.safetensors`));
    hub.asked.length = 0;
    const recorded = { epoch: 1, digest: first.result.digest };
    const second = await activity('resumed', ofHub(), hostHere(), { epoch: 2, recorded });
    expect(second.result.epoch).toBe(2);
    expect(hub.asked).toEqual([]);
  });

  it('has a damaged file fetched again', async () => {
    await writeFile(join(folder, 'weights', `${sha256}.safetensors`), 'damaged');
    const again = await activity('mended', ofHub());
    expect(again.result.metrics.loss).toBe(loss);
    expect(again.asked.filter((job) => job === 'train-epoch')).toHaveLength(2);
  });
});
