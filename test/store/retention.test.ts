import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { checkpointName } from '../../store/checkpoint-names.ts';
import { acquireLease, type Lease, openCheckpoints, openStore, type Store } from '../../store/index.ts';
import { type Keep, type Removable, superfluous } from '../../store/retention.ts';

/** `e3` is the end of epoch 3, `e3s5` step 5 after it; `#2` a token, `=4` a loss, `!` pinned. */
function checkpoint(text: string): Removable {
  const [, epoch, step, token, loss, pin] = /^e(\d+)(?:s(\d+))?(?:#(\d+))?(?:=(\d+))?(!)?$/.exec(text) ?? [];
  const at = { epoch: Number(epoch), step: Number(step ?? 0), token: Number(token ?? 1) };
  return { ...at, name: text, loss: step ? null : Number(loss ?? 9), pinned: pin === '!' };
}

describe('the retention rule removes', () => {
  const table: [string, string, Keep, string][] = [
    ['nothing of what is last', 'e1 e2', { last: 2, best: 0 }, ''],
    ['all but the last', 'e1 e2 e3 e4', { last: 2, best: 0 }, 'e1 e2'],
    ['not the best', 'e1=5 e2=1 e3=4 e4=3', { last: 1, best: 1 }, 'e1=5 e3=4'],
    ['of equal losses the later ones', 'e1=1 e2=1 e3=2', { last: 1, best: 1 }, 'e2=1'],
    ['not those of every so many epochs', 'e1 e2 e3 e4 e5', { last: 1, best: 0, every: 2 }, 'e1 e3'],
    ['not what the run may go back to', 'e1 e2 e3 e4', { last: 1, best: 0, epochs: [2, 9] }, 'e1 e3'],
    ['not what is pinned', 'e1! e2 e3 e4', { last: 1, best: 0 }, 'e2 e3'],
    ['points within an epoch that is done', 'e1 e1s5 e1s9 e2', { last: 2, best: 0 }, 'e1s5 e1s9'],
    ['not points within the epoch that goes on', 'e1 e2 e2s5 e2s9', { last: 2, best: 0 }, ''],
    ['the older of many points within an epoch', 'e1 e1s1 e1s2 e1s3 e1s4', { last: 2, best: 0 }, 'e1s1 e1s2'],
    ['not points within the first epoch', 'e0s1 e0s2', { last: 2, best: 0 }, ''],
    ['the older attempt at a point, which counts once', 'e1 e2#1 e2#3', { last: 2, best: 0 }, 'e2#1'],
    ['everything when nothing is to be kept', 'e1 e2', { last: 0, best: 0 }, 'e1 e2'],
  ];
  it.each(table)('%s: %s', (_, present, keep, removed) => {
    expect(superfluous(present.split(' ').map(checkpoint), keep).join(' ')).toBe(removed);
  });
});

describe('names of checkpoints', () => {
  it('tell the point and the token', () => {
    expect(checkpointName({ epoch: 3, step: 0, token: 1 })).toBe('epoch-000003-t1');
    expect(checkpointName({ epoch: 3, step: 40, token: 12 })).toBe('epoch-000003-step-000040-t12');
  });
});

describe('on disk', () => {
  const key = { run: 'run', step: 'pretrain' };
  let root: string;
  let store: Store;
  let lease: Lease;
  const roots: string[] = [];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'contrail-retention-'));
    roots.push(root);
    store = openStore(root);
    lease = await acquireLease(store, key, 'first');
  });
  afterAll(() => Promise.all(roots.map((folder) => rm(folder, { recursive: true, force: true }))));

  const checkpoints = () => openCheckpoints(store, key);
  const commit = (epoch: number, { step = 0, by = lease } = {}) =>
    checkpoints().commit(by, {
      epoch,
      step,
      config: {},
      metrics: step > 0 ? null : { loss: 10 - epoch, learningRate: 0.1, imagesPerSecond: 1, seconds: 1 },
      best: { epoch: 1, loss: 0.125 },
      tensors: [{ name: 'w', dtype: 'U8', shape: [4], data: Uint8Array.of(epoch, step, 3, 4) }],
      metadata: {},
    });
  const names = async () => (await checkpoints().list()).map(({ name }) => name);
  const fileOf = (name: string, file: string) => store.locate(`runs/run/steps/pretrain/checkpoints/${name}/${file}`);
  const flipLastByte = async (path: string) => {
    const bytes = await readFile(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    const file = await open(path, 'r+');
    await file.write(bytes);
    await file.close();
  };

  it('a flipped byte is found; the checkpoint is named, skipped and left where it is', async () => {
    await commit(1);
    await commit(2);
    await flipLastByte(fileOf('epoch-000002-t1', 'state.safetensors'));
    const { newest, rejected } = await checkpoints().newestValid();
    expect(newest?.name).toBe('epoch-000001-t1');
    expect(rejected).toEqual([{ name: 'epoch-000002-t1', reason: expect.stringMatching(/has SHA-256 .* instead of/) }]);
    expect(await names()).toContain('epoch-000002-t1');
  });

  it('a manifest that was changed is not believed against the state', async () => {
    await commit(1);
    const path = fileOf('epoch-000001-t1', 'manifest.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('0.125', '0.375'));
    await expect(checkpoints().verify('epoch-000001-t1')).rejects.toMatchObject({
      code: 'CorruptCheckpoint',
      message: expect.stringContaining('says best'),
    });
  });

  it('damaged checkpoints do not count as kept, and are not removed', async () => {
    for (const epoch of [1, 2, 3, 4]) await commit(epoch);
    await flipLastByte(fileOf('epoch-000003-t1', 'state.safetensors'));
    await flipLastByte(fileOf('epoch-000004-t1', 'state.safetensors'));
    expect(await checkpoints().retain({ last: 2, best: 0 })).toEqual([]);
    await commit(5);
    expect(await checkpoints().retain({ last: 2, best: 0 })).toEqual(['epoch-000001-t1']);
    expect(await names()).toEqual(['epoch-000002-t1', 'epoch-000003-t1', 'epoch-000004-t1', 'epoch-000005-t1']);
  });

  it('two that verify are left, whatever is asked for', async () => {
    for (const epoch of [1, 2, 3]) await commit(epoch);
    expect(await checkpoints().retain({ last: 0, best: 0 })).toEqual(['epoch-000001-t1']);
    expect(await names()).toEqual(['epoch-000002-t1', 'epoch-000003-t1']);
  });

  it('a pinned checkpoint is kept until it is unpinned', async () => {
    for (const epoch of [1, 2, 3, 4]) await commit(epoch);
    await checkpoints().pin('epoch-000001-t1');
    expect((await checkpoints().list()).map(({ pinned }) => pinned)).toEqual([true, false, false, false]);
    expect(await checkpoints().retain({ last: 2, best: 0 })).toEqual(['epoch-000002-t1']);
    await checkpoints().unpin('epoch-000001-t1');
    expect(await checkpoints().retain({ last: 2, best: 0 })).toEqual(['epoch-000001-t1']);
    await expect(checkpoints().pin('epoch-000001-t1')).rejects.toMatchObject({ code: 'CorruptCheckpoint' });
  });

  it('of two attempts at one point the newer one is read, and the older where that is damaged', async () => {
    await commit(1);
    const second = await acquireLease(store, key, 'second');
    await commit(1, { by: second });
    expect((await checkpoints().newestValid()).newest?.name).toBe('epoch-000001-t2');
    await rm(fileOf('epoch-000001-t2', 'state.safetensors'));
    expect((await checkpoints().newestValid()).newest?.name).toBe('epoch-000001-t1');
  });

  it('the newest whole epoch is found behind a damaged one and the points within epochs around it', async () => {
    await commit(1);
    await commit(1, { step: 5 });
    await commit(2);
    await commit(2, { step: 5 });
    await flipLastByte(fileOf('epoch-000002-t1', 'state.safetensors'));
    expect((await checkpoints().newestValid()).newest?.name).toBe('epoch-000002-step-000005-t1');
    expect((await checkpoints().newestValid({ wholeEpochs: true })).newest?.name).toBe('epoch-000001-t1');
  });

  it('a lease that is lost while the state is written leaves nothing', async () => {
    let takeOver = true;
    const racing: Store = {
      ...store,
      write: async (path, content) => {
        await store.write(path, content);
        if (takeOver && path.endsWith('state.safetensors')) await acquireLease(store, key, 'second');
        takeOver = false;
      },
    };
    await expect(
      openCheckpoints(racing, key).commit(lease, {
        epoch: 1,
        step: 0,
        config: {},
        metrics: null,
        best: null,
        tensors: [],
        metadata: {},
      }),
    ).rejects.toMatchObject({ code: 'StaleLease', message: expect.stringMatching(/first lost .* to second/) });
    expect(await store.list('runs/run/steps/pretrain/checkpoints')).toEqual([]);
  });

  it('a name that is not one of a checkpoint reaches no file', async () => {
    for (const name of ['../leases', 'epoch-1-t1', '', 'epoch-000001-t1/..'])
      await expect(checkpoints().load(name)).rejects.toMatchObject({ code: 'CorruptCheckpoint' });
  });
});
