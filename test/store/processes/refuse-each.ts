import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { openHome } from '../../../home/home.ts';
import {
  addVersion,
  checkStore,
  loadCurrent,
  loadStepResult,
  openStore,
  type Store,
  saveStepResult,
  writeArtifact,
} from '../../../store/index.ts';
import { changes, controlOf, type DiskFault } from '../../chaos/machine/disk.ts';
import { attempt, standing, valueAfter } from '../model/training.ts';

/**
 * `refuse-each.ts <control> <folder>`: runs on a disk that fails as the control file says. Does each piece of work as often as it asks the
 * disk for something, and has another one of these fail each time; prints what is wrong afterwards.
 */
const [control = '', folder = ''] = process.argv.slice(2);
const disk = controlOf(control);

/** How an operation fails: this one alone, or everything from it on until somebody mends the disk. */
const failures: readonly Pick<DiskFault, 'error' | 'times'>[] = [
  { error: 'ENOSPC', times: 1 },
  { error: 'ENOSPC', times: -1 },
  { error: 'EIO', times: 1 },
  { error: 'EROFS', times: -1 },
];

interface Work {
  readonly name: string;
  /** What is there before. */
  readonly before: (store: Store) => Promise<void>;
  readonly work: (store: Store) => Promise<void>;
  /** What is to be seen before the work, or after it; anything else is between. */
  readonly seen: (store: Store) => Promise<unknown>;
}

const files = ['b.bin', 'c.bin'].map((path) => ({ path, content: [Buffer.from(path), Buffer.from(' and more')] }));
const version = (number: number) => ({
  ...{ model: 'shirts', version: number, run: 'run', step: null },
  encoder: { kind: 'encoder' as const, digest: String(number).repeat(64) },
  classifier: null,
  evaluation: { kind: 'retrieval' as const, digest: '0'.repeat(64) },
  ...{ metrics: {}, testSet: '0'.repeat(64), reason: 'a test' },
});

const works: readonly Work[] = [
  {
    name: 'an epoch of a training: lease, state, manifest, retention',
    before: (store) => attempt('before', 3).run(store, () => {}),
    work: (store) => attempt('refused', 4).run(store, () => {}),
    seen: async (store) => {
      const { epoch, value } = await standing(store);
      return { epoch, isRight: value === valueAfter(epoch) };
    },
  },
  {
    name: 'an artifact, and the result that names it',
    before: async () => {},
    work: async (store) => {
      const encoder = await writeArtifact(store, { kind: 'encoder', about: {}, files });
      await saveStepResult(store, { run: 'run', step: 'pretrain' }, { fingerprint: 'f', result: { encoder } });
    },
    seen: async (store) => ({
      result: await loadStepResult(store, { run: 'run', step: 'pretrain' }),
      problems: (await checkStore(store)).problems,
    }),
  },
  {
    name: 'a version of a model',
    before: async (store) => void (await addVersion(store, version(1))),
    work: async (store) => void (await addVersion(store, version(2))),
    seen: async (store) => (await loadCurrent(store, 'shirts'))?.version,
  },
];

/** A store in a folder of its own, as it is before the work. */
async function storeFor(work: Work, name: string): Promise<Store> {
  const { storeUrl } = openHome({ CONTRAIL_HOME: join(folder, name) });
  const store = openStore(storeUrl);
  await work.before(store);
  return store;
}

const problems: string[] = [];
const operations: Record<string, number> = {};
for (const work of works) {
  const calm = await storeFor(work, 'calm');
  const before = await work.seen(calm);
  disk.count(changes);
  const { seen } = disk.counted();
  await work.work(calm);
  const count = disk.counted().seen - seen;
  disk.set(null);
  const after = await work.seen(calm);
  await rm(join(folder, 'calm'), { recursive: true });
  operations[work.name] = count;
  for (const failure of failures)
    for (let nth = 0; nth < count; nth++) {
      const where = `${work.name}, ${failure.error}${failure.times === 1 ? '' : ' from then on'}, operation ${nth + 1} of ${count}`;
      const store = await storeFor(work, 'disturbed');
      const { failed } = disk.counted();
      disk.set({ ...failure, operations: changes, after: nth });
      const error = await work.work(store).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      disk.set(null);
      if (disk.counted().failed === failed) problems.push(`${where}: nothing failed`);
      const found = await work.seen(store);
      if (!isDeepStrictEqual(found, before) && !isDeepStrictEqual(found, after))
        problems.push(`${where}: found ${JSON.stringify(found)} afterwards`);
      if (error === null && !isDeepStrictEqual(found, after)) problems.push(`${where}: it said that it was done`);
      // Whoever tries again, succeeds.
      const again = await work.work(store).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      const isDone = isDeepStrictEqual(await work.seen(store), after);
      if (!isDone) problems.push(`${where}: the next attempt did not do it: ${again}`);
      await rm(join(folder, 'disturbed'), { recursive: true });
    }
}
process.stdout.write(JSON.stringify({ operations, problems }));
