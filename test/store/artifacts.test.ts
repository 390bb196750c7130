import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import {
  artifactFolder,
  createArtifactWriter,
  loadEpochMetrics,
  loadStepResults,
  openStore,
  readArtifact,
  readArtifactFile,
  type Store,
  saveEpochMetrics,
  saveStepResult,
  writeArtifact,
} from '../../store/index.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-artifacts-'));
afterAll(() => rm(root, { recursive: true, force: true }));

let store: Store;
let number = 0;
beforeEach(() => {
  store = openStore(join(root, String(number++)));
});

const files = [
  { path: 'b.bin', content: [Buffer.from('b'), Buffer.from('bb')] },
  { path: 'a.bin', content: Buffer.from('aaaa') },
];
const write = () => writeArtifact(store, { kind: 'encoder', about: { dimension: 8 }, files });

it('an artifact is named by the SHA-256 of its manifest, and each file is in the manifest with its own', async () => {
  const ref = await write();
  const manifest = await readFile(store.locate(`${artifactFolder(ref)}/manifest.json`));
  expect(createHash('sha256').update(manifest).digest('hex')).toBe(ref.digest);
  const { about, files: entries } = await readArtifact(store, ref);
  expect(about).toEqual({ dimension: 8 });
  expect(entries).toEqual([
    { path: 'a.bin', bytes: 4, sha256: createHash('sha256').update('aaaa').digest('hex') },
    { path: 'b.bin', bytes: 3, sha256: createHash('sha256').update('bbb').digest('hex') },
  ]);
  expect(Buffer.from(await readArtifactFile(store, ref, 'b.bin')).toString()).toBe('bbb');
});

it('the same content again is the same artifact, and nothing is rewritten, whatever the order of its files', async () => {
  const ref = await write();
  const inode = async () => (await stat(store.locate(`${artifactFolder(ref)}/a.bin`))).ino;
  const before = await inode();
  expect(await writeArtifact(store, { kind: 'encoder', about: { dimension: 8 }, files: files.toReversed() })).toEqual(
    ref,
  );
  expect(await inode()).toBe(before);
});

it('several writers of one artifact do not disturb each other', async () => {
  const refs = await Promise.all(Array.from({ length: 8 }, write));
  expect(new Set(refs.map(({ digest }) => digest)).size).toBe(1);
  expect(Buffer.from(await readArtifactFile(store, await write(), 'a.bin')).toString()).toBe('aaaa');
});

it('files are added one at a time and can be taken out again, and what is discarded leaves nothing', async () => {
  const writer = createArtifactWriter(store, 'encoder');
  await writer.add('b.bin', [Buffer.from('b'), Buffer.from('bb')]);
  await writer.add('a.bin', Buffer.from('wrong'));
  expect(Buffer.from(await writer.take('a.bin')).toString()).toBe('wrong');
  await writer.add('a.bin', Buffer.from('aaaa'));
  expect(await writer.finish({ dimension: 8 })).toEqual(await write());
  const abandoned = createArtifactWriter(store, 'encoder');
  await abandoned.add('c.bin', Buffer.from('c'));
  await abandoned.discard();
  expect(await readdir(store.locate('staging')).catch(() => [])).toEqual([]);
});

it('a damaged file is named with what was expected, what was found, and what to do', async () => {
  const ref = await write();
  const path = store.locate(`${artifactFolder(ref)}/a.bin`);
  await truncate(path, 2);
  await expect(readArtifactFile(store, ref, 'a.bin')).rejects.toMatchObject({
    code: 'CorruptArtifact',
    message: expect.stringMatching(
      /a\.bin is damaged: expected 4 bytes, found 2\. `contrail resume <run>` makes this encoder again/,
    ),
  });
  await writeFile(path, 'aaab');
  await expect(readArtifactFile(store, ref, 'a.bin')).rejects.toThrow(
    /expected SHA-256 [0-9a-f]{64}, found [0-9a-f]{64}/,
  );
  await rm(path);
  await expect(readArtifactFile(store, ref, 'a.bin')).rejects.toThrow(/expected a file, found none/);
});

it.each<readonly [string, (path: string) => Promise<void>]>([
  ['is gone', (path) => rm(path)],
  ['is cut short', (path) => truncate(path, 2)],
  ['has other bytes of the same length', (path) => writeFile(path, 'aaab')],
])('storing the same content again mends a file that %s', async (_, damage) => {
  const ref = await write();
  await damage(store.locate(`${artifactFolder(ref)}/a.bin`));
  expect(await write()).toEqual(ref);
  expect(Buffer.from(await readArtifactFile(store, ref, 'a.bin')).toString()).toBe('aaaa');
});

it('a damaged manifest, or one that is not there, is not believed', async () => {
  const ref = await write();
  await writeFile(store.locate(`${artifactFolder(ref)}/manifest.json`), '{}');
  await expect(readArtifact(store, ref)).rejects.toMatchObject({ code: 'CorruptArtifact' });
  await expect(readArtifact(store, { ...ref, digest: '0'.repeat(64) })).rejects.toThrow(/expected a file, found none/);
});

it('a file that would hide the manifest or another file is refused', async () => {
  const content = Buffer.from('x');
  for (const names of [['manifest.json'], ['a', 'a']])
    await expect(
      writeArtifact(store, { kind: 'encoder', about: {}, files: names.map((path) => ({ path, content })) }),
    ).rejects.toThrow(TypeError);
});

it('the results of a run come back by step; a damaged one is named, and left out only where the caller is told', async () => {
  expect(await loadStepResults(store, 'run')).toEqual({});
  const result = { fingerprint: 'f', result: { top1: 0.9 } };
  await saveStepResult(store, { run: 'run', step: 'evaluate' }, result);
  await saveStepResult(store, { run: 'run', step: 'probe' }, result);
  await writeFile(store.locate('runs/run/steps/probe/result.json'), '{"finger');
  const problems: string[] = [];
  expect(await loadStepResults(store, 'run', (problem) => problems.push(problem))).toEqual({ evaluate: result });
  expect(problems).toEqual([expect.stringMatching(/probe\/result\.json is damaged.*contrail resume run/)]);
  await expect(loadStepResults(store, 'run')).rejects.toMatchObject({ code: 'CorruptArtifact', message: problems[0] });
});

it('an epoch that was trained again replaces its line of metrics', async () => {
  const key = { run: 'run', step: 'pretrain' };
  const line = (epoch: number, loss: number) => ({ epoch, loss, learningRate: 0.1, imagesPerSecond: 1, seconds: 1 });
  for (const one of [line(1, 3), line(3, 1), line(2, 9), line(2, 2)]) await saveEpochMetrics(store, key, one);
  expect(await loadEpochMetrics(store, key)).toEqual([line(1, 3), line(2, 2), line(3, 1)]);
  expect(
    (await readFile(store.locate('runs/run/steps/pretrain/metrics.jsonl'), 'utf8')).trim().split('\n'),
  ).toHaveLength(3);
});
