import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { loadStepResult, readArtifact, readArtifactFile, type Store } from '../../store/index.ts';
import { memoryStore } from '../memory-store.ts';
import { type Deed, type DiskOptions, watchedDisk } from './model/disk.ts';
import { attempt, type Fact, standing, valueAfter } from './model/training.ts';

/**
 * The power fails, after every single thing that the store has a file system do. Whatever the disk may have kept then of what was not
 * synced: all that a call has returned for is there, and nothing is half there.
 */
const roots: string[] = [];
afterEach(() => {
  vi.doUnmock('node:fs/promises');
  vi.resetModules();
});
afterAll(() => Promise.all(roots.map((root) => rm(root, { recursive: true, force: true }))));

/** Something that was done, and how to see that it is there. */
type Check = (store: Store) => Promise<void>;

/** The store's functions, on a disk that is watched, in a folder of this machine. */
async function onDisk(options: DiskOptions) {
  const root = await mkdtemp(join(tmpdir(), 'contrail-crash-'));
  roots.push(root);
  vi.resetModules();
  const disk = watchedDisk(await vi.importActual('node:fs/promises'), root, options);
  vi.doMock('node:fs/promises', () => ({ ...disk.fileSystem, default: disk.fileSystem }));
  return { root, disk, module: await import('../../store/index.ts'), training: await import('./model/training.ts') };
}
type OnDisk = Awaited<ReturnType<typeof onDisk>>;

/** Does some work, and looks at what each crash leaves of it. */
async function crashing(
  work: (store: Store, on: OnDisk, done: (check: Check) => void) => Promise<void>,
  always: Check,
  disturbed: Pick<DiskOptions, 'isSynced' | 'before'> = {},
): Promise<void> {
  const done: Check[] = [];
  const left = new Map<string, { readonly files: ReadonlyMap<string, Uint8Array>; readonly done: number }>();
  const look = () => {
    for (const all of on.disk.crashed()) {
      const files = new Map([...all].filter(([path]) => !path.includes('.tmp-')));
      left.set(memoryStore(files).contents(), { files, done: done.length });
    }
  };
  const on = await onDisk({ onChange: () => on && look(), ...disturbed });
  await work(on.module.openStore(on.root), on, (check) => {
    done.push(check);
    look();
  });
  for (const { files, done: count } of left.values()) {
    await always(memoryStore(files));
    for (const check of done.slice(0, count)) await check(memoryStore(files));
  }
}

const neverWrong: Check = async (store) => {
  const { epoch, value } = await standing(store);
  expect(value, 'a state is that of its epoch').toBe(valueAfter(epoch));
};

it('checkpoints: an epoch that was committed stays, whatever retention removes beside it', async () => {
  await crashing(
    async (store, { training }, done) => {
      for (const epochs of [2, 4])
        await training.attempt(`up to ${epochs}`, epochs).run(store, (fact: Fact) => {
          if (fact.what !== 'committed') return;
          done(async (found) => {
            expect((await standing(found)).epoch, 'no epoch disappears').toBeGreaterThanOrEqual(fact.epoch);
          });
        });
    },
    async (store) => {
      await neverWrong(store);
      await attempt('next', 4).run(store, () => {});
      expect(await standing(store)).toEqual({ epoch: 4, value: valueAfter(4) });
    },
  );
});

const content = (text: string) => [Buffer.from(text), Buffer.from(' and more')];
const files = [
  { path: 'b.bin', content: content('b') },
  { path: 'c.bin', content: content('c') },
];
/** An artifact is whole where it has a manifest. */
const wholeOrAbsent: Check = async (store) => {
  for (const { path } of await store.list('artifacts')) {
    const [, kind, digest] = path.split('/');
    if (path.endsWith('/manifest.json')) await whole({ kind, digest } as ArtifactRef)(store);
  }
};
const whole =
  (ref: ArtifactRef): Check =>
  async (store) => {
    for (const entry of (await readArtifact(store, ref)).files) await readArtifactFile(store, ref, entry.path);
  };

it('artifacts and results: a result that was saved is there, with all of what it names', async () => {
  await crashing(async (store, { module: { writeArtifact, saveStepResult } }, done) => {
    for (const step of ['first', 'second', 'second']) {
      const ref = await writeArtifact(store, { kind: 'encoder', about: { step }, files });
      done(whole(ref));
      await saveStepResult(store, { run: 'run', step }, { fingerprint: step, result: { encoder: ref } });
      done(async (found) => {
        expect((await loadStepResult(found, { run: 'run', step }))?.result).toEqual({ encoder: ref });
      });
    }
  }, wholeOrAbsent);
});

/** The first that makes a folder is slow to sync the names of those above it. */
const slowly = async (what: Deed, path: string) => {
  if (what === 'sync' && ['runs', 'run', 'deep', 'steps'].includes(basename(path))) await sleep(50);
};

it('two at once: neither relies on a folder that the other has made and not synced', async () => {
  await crashing(
    async (store, { module: { saveStepResult } }, done) => {
      const steps = ['a', 'b', 'c'];
      await Promise.all(
        steps.map(async (step) => {
          await saveStepResult(store, { run: 'run', step }, { fingerprint: step, result: { step } });
          done(async (found) => {
            expect((await loadStepResult(found, { run: 'run', step }))?.result).toEqual({ step });
          });
        }),
      );
      await Promise.all(
        [1, 2, 3].map((number) =>
          store.write(`deep/er/${number}`, Buffer.from(`${number}`)).then(() =>
            done(async (found) => {
              expect(new TextDecoder().decode(await found.read(`deep/er/${number}`))).toBe(`${number}`);
            }),
          ),
        ),
      );
    },
    async () => {},
    { before: slowly },
  );
});

it('a store that does not sync loses what it has returned for', async () => {
  const without = crashing(
    async (store, _, done) => {
      await store.write('a', Buffer.from('content'));
      done(async (found) => expect(await found.exists('a'), 'what was written').toBe(true));
    },
    async () => {},
    { isSynced: false },
  );
  await expect(without).rejects.toThrow('what was written');
});

it('whatever a disk refuses once, the training is as before or after, and the next attempt ends it', async () => {
  let left = 0;
  let refused: Deed | null = null;
  const before = async (what: Deed, path: string) => {
    if (--left !== 0) return;
    refused = what;
    throw Object.assign(new Error(`ENOSPC: ${what} of ${path}, made up by a test`), { code: 'ENOSPC' });
  };
  const { root, module, training } = await onDisk({ onChange: () => {}, before });
  for (let nth = 1; nth === 1 || refused !== null; nth++) {
    refused = null;
    left = nth;
    const folder = join(root, String(nth));
    const store = module.openStore(folder);
    let committed = 0;
    await training
      .attempt('refused', 3)
      .run(store, (fact: Fact) => {
        if (fact.what === 'committed') committed = fact.epoch;
      })
      .catch((error: unknown) => expect(String(error)).toMatch(/made up by a test|cannot be read/));
    left = 0;
    const { epoch, value } = await training.standing(store);
    expect(epoch, `${refused}, ${nth}`).toBeGreaterThanOrEqual(committed);
    expect(value).toBe(valueAfter(epoch));
    await training.attempt('next', 3).run(store, () => {});
    expect(await training.standing(store), `${refused}, ${nth}`).toEqual({ epoch: 3, value: valueAfter(3) });
    const temporary = (await readdir(folder, { recursive: true })).filter((path) => path.includes('.tmp-'));
    // What cannot be removed is swept away later.
    if (refused !== 'remove') expect(temporary, `${refused}, ${nth}`).toEqual([]);
  }
});
