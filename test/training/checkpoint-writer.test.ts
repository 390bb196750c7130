import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { acquireLease, bytesOf, openCheckpoints, openStore } from '../../store/index.ts';
import { createCheckpointWriter } from '../../training/checkpoint-writer/index.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const key = { run: 'a-run', step: 'pretrain' };
const keep = { last: 2, best: 0 };
const checkpoint = (epoch: number, size = 8) => ({
  epoch,
  step: 0,
  config: { size },
  metrics: { loss: 1, learningRate: 0.1, imagesPerSecond: 1, seconds: 1 },
  best: { epoch, loss: 1 },
  tensors: [{ name: 'w', dtype: 'F32' as const, shape: [size], data: bytesOf(new Float32Array(size).fill(epoch)) }],
  metadata: {},
});

it('writes in order, durably, and leaves the main thread free meanwhile', async () => {
  const store = openStore(pathToFileURL(folder).href);
  const lease = await acquireLease(store, key, 'this test');
  const writer = createCheckpointWriter();
  const written = [1, 2, 3].map((epoch) => writer.commit(lease, checkpoint(epoch, 4_000_000), keep));
  let [turns, done] = [0, false];
  void Promise.all(written).then(() => {
    done = true;
  });
  while (!done) {
    turns++;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(turns).toBeGreaterThan(3);
  const checkpoints = openCheckpoints(store, key);
  expect((await checkpoints.list()).map(({ manifest }) => manifest.epoch)).toEqual([2, 3]);
  const [, , last] = await Promise.all(written);
  expect((await checkpoints.newestValid()).newest?.manifest.digest).toBe(last?.digest);
  writer.close();
});

it('takes the tensors over, and hands errors back with their code', async () => {
  const store = openStore(pathToFileURL(folder).href);
  const lease = await acquireLease(store, key, 'the first');
  const writer = createCheckpointWriter();
  const first = checkpoint(4);
  await writer.commit(lease, first, keep);
  expect(first.tensors[0]?.data).toHaveLength(0);
  await acquireLease(store, key, 'the second');
  await expect(writer.commit(lease, checkpoint(5), keep)).rejects.toMatchObject({ code: 'StaleLease' });
  writer.close();
});

it.each([
  ['sent what cannot be read', 'parentPort.once("message", ({ id }) => parentPort.postMessage({ id, manifest: NaN }))'],
  ['sent what cannot be read', 'parentPort.once("message", () => parentPort.postMessage("done"))'],
  ['failed: no disk', 'parentPort.once("message", () => { throw new Error("no disk"); })'],
  ['ended', 'parentPort.once("message", () => process.exit(1))'],
])('a thread that %s fails the checkpoint alone, and the next has a thread of its own', async (how, program) => {
  const store = openStore(pathToFileURL(folder).href);
  const lease = await acquireLease(store, { ...key, step: 'strange' }, 'this test');
  const strange = new URL(`data:text/javascript,import { parentPort } from 'node:worker_threads'; ${program}`);
  const writer = createCheckpointWriter(strange);
  for (const epoch of [1, 2])
    await expect(writer.commit(lease, checkpoint(epoch), keep)).rejects.toMatchObject({
      code: 'TrainerCrashed',
      message: expect.stringContaining(`The thread that writes checkpoints ${how}`) as unknown,
    });
  writer.close();
});
