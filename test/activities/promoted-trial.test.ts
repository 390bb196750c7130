import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { ActivityContext } from '../../activities/context.ts';
import { openTraining } from '../../activities/open-training.ts';
import { splitParameters } from '../../activities/training.ts';
import type { Json } from '../../contracts/json.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { prepareDataset } from '../../datasets/index.ts';
import {
  acquireLease,
  bytesOf,
  collectGarbage,
  loadEpochMetrics,
  openCheckpoints,
  openStore,
  saveEpochMetrics,
  saveStepResult,
} from '../../store/index.ts';

/** A trial that stopped after its second epoch, and the step that goes on where it stopped. */
const folder = await mkdtemp(join(tmpdir(), 'contrail-promoted-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const store = openStore(folder);
const options = { cacheFolder: folder, onProgress: () => {}, signal: new AbortController().signal };
const generated = prepareDataParameters.parse({ dataset: 'generated', generated: { images: 64 } });
const { ref: dataset } = await prepareDataset(store, generated, options);

const parameters = { epochs: 9 };
const config = JSON.parse(
  JSON.stringify({ dataset: dataset.digest, ...splitParameters('pretrain', parameters).config }),
) as Record<string, Json>;
const run = 'swept';
const stopped = 'sweep-pretrain@trial=3,epochs=2';

async function train(step: string, epochs: readonly number[]) {
  const lease = await acquireLease(store, { run, step }, 'somebody');
  const digests: string[] = [];
  for (const epoch of epochs) {
    const metrics = { loss: 1 / epoch, learningRate: 0.1, imagesPerSecond: 1, seconds: 1 };
    const { digest } = await openCheckpoints(store, { run, step }).commit(lease, {
      epoch,
      step: 0,
      config,
      metrics,
      best: { epoch, loss: 1 / epoch },
      tensors: [{ name: 'w', dtype: 'F32', shape: [1], data: bytesOf(Float32Array.of(epoch)) }],
      metadata: {},
    });
    await saveEpochMetrics(store, { run, step }, { epoch, ...metrics });
    digests.push(digest);
  }
  return digests;
}

const goOn = (step: string, digest: string, from = stopped) =>
  openTraining({ store } as ActivityContext, {
    run,
    step,
    uses: 'pretrain',
    dataset,
    parameters,
    accept: false,
    continues: { run, step: from, epoch: 2, digest },
    until: 6,
  });

const [first = '', second = ''] = await train(stopped, [1, 2]);

it('goes on from the checkpoint that it stopped at, bit for bit, with what its epochs gave', async () => {
  const { found, changes } = await goOn('sweep-pretrain@trial=3,epochs=6', second);
  expect(found).toMatchObject({ epoch: 2, digest: second });
  expect(changes).toEqual([]);
  const lines = await loadEpochMetrics(store, { run, step: 'sweep-pretrain@trial=3,epochs=6' });
  expect(lines.map(({ epoch, loss }) => [epoch, loss])).toEqual([
    [1, 1],
    [2, 0.5],
  ]);
  // What it stopped at stays where it is.
  expect(await openCheckpoints(store, { run, step: stopped }).names()).toHaveLength(2);
});

it('keeps what it has trained itself since then', async () => {
  const step = 'sweep-pretrain@trial=4,epochs=6';
  await goOn(step, second);
  const [third] = await train(step, [3]);
  expect((await goOn(step, second)).found).toMatchObject({ epoch: 3, digest: third });
});

it('finds it there after a collection, and after what retention removes', async () => {
  const paused = 'sweep-pretrain@trial=9,epochs=2';
  const [, last = ''] = await train(paused, [1, 2]);
  await saveStepResult(store, { run, step: 'data' }, { fingerprint: '{}', result: { dataset } });
  await openCheckpoints(store, { run, step: paused }).retain({ last: 1, best: 0 });
  // As if everything were old.
  await collectGarbage(store, { dryRun: false, now: Date.now() + 30 * 24 * 3_600_000 });
  expect((await goOn('sweep-pretrain@trial=9,epochs=6', last, paused)).found).toMatchObject({ epoch: 2, digest: last });
});

it('begins before where that checkpoint is damaged or another, and anew where none is left', async () => {
  const damaged = 'sweep-pretrain@trial=5,epochs=2';
  await train(damaged, [1, 2]);
  const own = `runs/${run}/steps/${damaged}/checkpoints`;
  const [, last = ''] = await openCheckpoints(store, { run, step: damaged }).names();
  await store.write(`${own}/${last}/state.safetensors`, Uint8Array.of(1, 2, 3));
  expect((await goOn('sweep-pretrain@trial=5,epochs=6', second, damaged)).found).toMatchObject({
    epoch: 1,
    digest: first,
  });
  expect((await goOn('sweep-pretrain@trial=6,epochs=6', 'f'.repeat(64))).found).toMatchObject({ epoch: 1 });
  expect((await goOn('sweep-pretrain@trial=7,epochs=6', second, 'sweep-pretrain@trial=8,epochs=2')).found).toBeNull();
});
