import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { prepareData, trainInProcess } from '../../bench/training-run.ts';
import { errorKind, isContrailError } from '../../contracts/errors.ts';
import { openCheckpoints, openStore } from '../../store/index.ts';
import { explainMemory, requireDevice } from '../../training/device.ts';
import { tf } from '../../training/tensorflow.ts';

describe('a training on a machine that was set up for its GPU', () => {
  it('is refused where TensorFlow computes on the CPU, with what to do', () => {
    expect(() => requireDevice('gpu', 'cpu')).toThrow(/contrail doctor.*CONTRAIL_DEVICE=any/);
  });

  it('runs on the GPU, and on the CPU where no GPU is asked for', () => {
    for (const [required, found] of [
      ['gpu', 'gpu'],
      ['any', 'cpu'],
      [undefined, 'cpu'],
    ] as const)
      expect(() => requireDevice(required, found)).not.toThrow();
  });
});

it('a trainer that is asked for a GPU and has none does not train, and says so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'contrail-device-'));
  process.env.CONTRAIL_DEVICE = 'gpu';
  try {
    const storeUrl = pathToFileURL(join(folder, 'store')).href;
    const dataset = await prepareData(openStore(storeUrl), 64, folder);
    const parameters = { encoder: { name: 'small-resnet', channels: 4, blocks: [1] }, batch: 8, epochs: 1 };
    await expect(trainInProcess(storeUrl, 'without-gpu', dataset, parameters)).rejects.toMatchObject({
      code: 'SetupFailed',
      message: expect.stringContaining('A GPU is asked for'),
    });
  } finally {
    delete process.env.CONTRAIL_DEVICE;
    await rm(folder, { recursive: true, force: true });
  }
});

it('a trainer that is asked for more GPUs than there are does not train, and says how many there are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'contrail-device-'));
  try {
    const storeUrl = pathToFileURL(join(folder, 'store')).href;
    const store = openStore(storeUrl);
    const dataset = await prepareData(store, 64, folder);
    const encoder = { name: 'small-resnet', channels: 4, blocks: [1] };
    const parameters = { encoder, batch: 8, microbatch: 2, replicas: 4, epochs: 1 };
    await expect(trainInProcess(storeUrl, 'few-gpus', dataset, parameters)).rejects.toMatchObject({
      code: 'SetupFailed',
      message: expect.stringMatching(/^replicas: 4 asks for 4 GPUs, and there are 0 here\. Set replicas to auto/),
    });
    expect(await openCheckpoints(store, { run: 'few-gpus', step: 'pretrain' }).list()).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

describe('a step that does not fit the memory', () => {
  const onGpu = new Error(
    'Session fail to run with error: 2 root error(s) found.\n  (0) RESOURCE_EXHAUSTED: OOM when allocating tensor with shape[2048,64,112,112] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc',
  );

  it('fails for good, and says the batch, the tensor and the remedy', () => {
    const error = explainMemory(onGpu, { batch: 1024 });
    expect(error).toMatchObject({ code: 'BatchTooLarge', cause: onGpu });
    expect(String(error)).toMatch(
      /A step of 1024 images at a time does not fit the memory of the GPU.*\[2048,64,112,112\].*`microbatch` to a divisor of 1024 below 1024/,
    );
    expect(errorKind('BatchTooLarge').retried).toBe(false);
  });

  it('names both sizes where the batch is done in parts already', () => {
    expect(String(explainMemory(onGpu, { batch: 1024, microbatch: 256 }))).toMatch(
      /A step of 256 images at a time \(batch: 1024\).*divisor of 1024 below 256/,
    );
    expect(String(explainMemory(onGpu, { batch: 8, microbatch: 1 }))).toContain('a smaller encoder');
  });

  it('is known by what this TensorFlow says when it cannot allocate', () => {
    let said: unknown;
    try {
      tf.tidy(() => tf.fill([2 ** 20, 2 ** 20, 8], 1).dataSync());
    } catch (error) {
      said = error;
    }
    const error = explainMemory(said, { batch: 4 });
    expect(isContrailError(error) && error.code).toBe('BatchTooLarge');
    expect(String(error)).toContain('the memory of this machine');
  });

  it('leaves every other error as it is', () => {
    const other = new Error('Session fail to run with error: Incompatible shapes');
    expect(explainMemory(other, { batch: 4 })).toBe(other);
  });
});
