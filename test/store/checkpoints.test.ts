import { appendFile, mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import {
  acquireLease,
  bytesOf,
  configMismatch,
  conflictsWith,
  float32,
  type Lease,
  openCheckpoints,
  openStore,
  type Store,
} from '../../store/index.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-store-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const key = { run: 'run', step: 'pretrain' };
let store: Store;
let lease: Lease;
let number = 0;
beforeEach(async () => {
  store = openStore(join(root, String(number++)));
  lease = await acquireLease(store, key, 'first');
});

const checkpoints = () => openCheckpoints(store, key);
const commit = (epoch: number, { step = 0, loss = 1, by = lease } = {}) =>
  checkpoints().commit(by, {
    epoch,
    step,
    config: { optimizer: { learningRate: 0.1 } },
    metrics: step === 0 ? { loss, learningRate: 0.1, imagesPerSecond: 1, seconds: 1 } : null,
    best: step === 0 ? { epoch, loss } : null,
    tensors: [{ name: 'w', dtype: 'F32', shape: [3], data: bytesOf(Float32Array.of(epoch, step, 3)) }],
    metadata: { lossSum: '0' },
  });
const fileOf = async (file: string) =>
  store.locate(`runs/run/steps/pretrain/checkpoints/${(await checkpoints().list()).at(-1)?.name}/${file}`);
const newestEpoch = async () => (await checkpoints().newestValid()).newest?.manifest.epoch ?? null;

describe('a checkpoint', () => {
  it('comes back as it was', async () => {
    const { digest } = await commit(4);
    const { newest } = await checkpoints().newestValid();
    expect(newest?.manifest.digest).toBe(digest);
    const tensor = newest?.tensors.get('w');
    expect(tensor && [...float32(tensor)]).toEqual([4, 0, 3]);
    expect(newest?.metadata).toMatchObject({ epoch: '4', step: '0', lossSum: '0' });
  });

  it('has a digest that follows from the state alone, not from who wrote it or when', async () => {
    const first = await commit(1);
    const other = openStore(join(root, 'elsewhere'));
    const again = await openCheckpoints(other, { run: 'other', step: 'x' }).commit(
      await acquireLease(other, { run: 'other', step: 'x' }, 'second'),
      {
        epoch: 1,
        step: 0,
        config: { optimizer: { learningRate: 0.1 } },
        metrics: { loss: 9, learningRate: 0.1, imagesPerSecond: 5, seconds: 7 },
        best: { epoch: 1, loss: 1 },
        tensors: [{ name: 'w', dtype: 'F32', shape: [3], data: bytesOf(Float32Array.of(1, 0, 3)) }],
        metadata: { lossSum: '0' },
      },
    );
    expect(again.digest).toBe(first.digest);
  });

  it('within an epoch comes after the end of the epoch before, and before the end of its own', async () => {
    await commit(1);
    await commit(1, { step: 7 });
    expect((await checkpoints().newestValid()).newest?.manifest).toMatchObject({ epoch: 1, step: 7 });
    expect((await checkpoints().newestValid({ upTo: { epoch: 1, step: 0 } })).newest?.manifest.step).toBe(0);
    await commit(2);
    expect((await checkpoints().newestValid()).newest?.manifest).toMatchObject({ epoch: 2, step: 0 });
    expect((await checkpoints().newestValid({ upTo: { epoch: 1, step: 0 } })).newest?.manifest).toMatchObject({
      epoch: 1,
      step: 0,
    });
  });
});

describe('a damaged checkpoint is named and skipped, and the one before it used', () => {
  beforeEach(async () => {
    await commit(1);
    await commit(2);
  });
  const damages: [string, () => Promise<void>, RegExp][] = [
    ['state cut short', async () => truncate(await fileOf('state.safetensors'), 20), /has 20 bytes/],
    ['state with more bytes', async () => appendFile(await fileOf('state.safetensors'), 'x'), /bytes instead of/],
    ['no state', async () => rm(await fileOf('state.safetensors')), /state.safetensors/],
    ['no manifest', async () => rm(await fileOf('manifest.json')), /manifest.json/],
    ['manifest cut short', async () => truncate(await fileOf('manifest.json'), 30), /manifest.json/],
    ['an empty manifest', async () => truncate(await fileOf('manifest.json'), 0), /manifest.json/],
  ];
  for (const [what, damage, reason] of damages)
    it(what, async () => {
      await damage();
      const { newest, rejected } = await checkpoints().newestValid();
      expect(newest?.manifest.epoch).toBe(1);
      expect(rejected).toEqual([{ name: expect.stringMatching(/^epoch-0*2-/), reason: expect.stringMatching(reason) }]);
    });
});

describe('fencing', () => {
  it('refuses the commit of an attempt whose lease was taken over, and leaves nothing of it', async () => {
    await commit(1);
    const newer = await acquireLease(store, key, 'second');
    await expect(commit(2)).rejects.toThrow(/first lost run\/pretrain to second/);
    expect(await newestEpoch()).toBe(1);
    await commit(2, { by: newer });
    expect(await newestEpoch()).toBe(2);
  });

  it('gives each taker a token of its own', async () => {
    const leases = await Promise.all(
      Array.from({ length: 8 }, (_, index) => acquireLease(store, key, `owner ${index}`)),
    );
    expect(new Set(leases.map(({ token }) => token)).size).toBe(8);
  });
});

describe('retention', () => {
  it('keeps the last and the best', async () => {
    for (const [epoch, loss] of [5, 1, 4, 3, 2].entries()) await commit(epoch + 1, { loss });
    await checkpoints().retain({ last: 2, best: 1 });
    expect((await checkpoints().list()).map(({ manifest }) => manifest.epoch)).toEqual([2, 4, 5]);
  });

  it('keeps points within an epoch only until the epoch is done', async () => {
    await commit(1);
    await commit(1, { step: 5 });
    await checkpoints().retain({ last: 2, best: 0 });
    expect(await checkpoints().list()).toHaveLength(2);
    await commit(2);
    await checkpoints().retain({ last: 2, best: 0 });
    expect((await checkpoints().list()).map(({ manifest }) => manifest.step)).toEqual([0, 0]);
  });
});

it('shows every difference between the config of a checkpoint and another', async () => {
  const manifest = await commit(1);
  expect(conflictsWith(manifest, { optimizer: { learningRate: 0.1 }, epochs: 3 })).toEqual([]);
  const conflicts = conflictsWith(manifest, { optimizer: { learningRate: 0.2 }, batch: 3 });
  expect(configMismatch(conflicts).message).toMatch(/batch: absent → 3\n {2}optimizer.learningRate: 0.1 → 0.2/);
});

describe('going back', () => {
  it('removes what lies past an epoch, but keeps the pinned and the damaged', async () => {
    for (const epoch of [1, 2, 3]) await commit(epoch);
    await commit(3, { step: 5 });
    await checkpoints().pin('epoch-000002-t1');
    await truncate(store.locate('runs/run/steps/pretrain/checkpoints/epoch-000003-t1/state.safetensors'), 10);
    expect(await checkpoints().discardAfter(lease, 1)).toEqual(['epoch-000003-step-000005-t1']);
    expect((await checkpoints().list()).map(({ name }) => name)).toEqual([
      'epoch-000001-t1',
      'epoch-000002-t1',
      'epoch-000003-t1',
    ]);
  });

  it('is for the holder of the lease alone', async () => {
    await commit(1);
    await acquireLease(store, key, 'second');
    await expect(checkpoints().discardAfter(lease, 0)).rejects.toMatchObject({ code: 'StaleLease' });
    expect(await newestEpoch()).toBe(1);
  });
});

describe('taking over a checkpoint of another training', () => {
  const other = { run: 'other', step: 'pretrain' };

  it('changes no bit of it', async () => {
    const { digest } = await commit(2);
    const own = openCheckpoints(store, other);
    await own.adopt(await acquireLease(store, other, 'second'), key, 'epoch-000002-t1');
    expect((await own.newestValid()).newest?.manifest).toMatchObject({ epoch: 2, digest, token: 1 });
  });

  it('refuses a damaged one, and leaves nothing', async () => {
    await commit(2);
    await truncate(await fileOf('state.safetensors'), 10);
    const own = openCheckpoints(store, other);
    const adopting = own.adopt(await acquireLease(store, other, 'second'), key, 'epoch-000002-t1');
    await expect(adopting).rejects.toMatchObject({ code: 'CorruptCheckpoint' });
    expect(await own.list()).toEqual([]);
  });
});
