import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeIndexOf, indexOf } from '../../cli/change-index.ts';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { indexAboutSchema } from '../../contracts/vector-index.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { currentVersion } from '../../serving/find-model.ts';
import {
  addVersion,
  loadVersions,
  openStore,
  readAbout,
  type Store,
  savePlan,
  saveStepResult,
} from '../../store/index.ts';
import { eachRow } from '../../vectors/index.ts';
import { type S3Server, startS3Server, whyNoS3Server } from '../s3/server.ts';
import { clustered, encoderOf, indexOf as indexWith, vectorsOf } from '../vectors/vectors.ts';
import { commandHome } from './command-home.ts';

/** Changes of one index at the same time: each is a version, and nothing of any is lost. */
const { store, outputs } = await commandHome('index-changes');

const rows = clustered(60, { dimension: 8, clusters: 6 }).map((vector, at) => ({ name: `${at}.jpg`, vector }));
const plan = parsePipeline({
  file: 'p.yaml',
  text: 'name: p\nsteps:\n  data: { uses: prepare-data, with: { dataset: generated } }\n',
});

/** A model whose index has the first twenty images, and runs that embedded others. @returns these, by the names of the runs */
async function modelIn(of: Store): Promise<Readonly<Record<'second' | 'third', ArtifactRef>>> {
  const evaluation = { kind: 'retrieval', digest: '0'.repeat(64) } as const;
  await addVersion(of, {
    ...{ model: 'shirts', version: 1, run: 'first', step: 'promote', classifier: null, evaluation },
    ...{ encoder: encoderOf('encoder'), index: await indexWith(of, { rows: rows.slice(0, 20) }) },
    ...{ metrics: {}, testSet: '1'.repeat(64), reason: 'the first model of this name' },
  });
  const embedded = async (run: string, own: typeof rows) => {
    const vectors = await vectorsOf(of, { rows: own });
    await savePlan(of, run, plan);
    await saveStepResult(of, { run, step: 'embed' }, { fingerprint: '{}', result: { vectors } });
    return vectors;
  };
  return { second: await embedded('second', rows.slice(20, 40)), third: await embedded('third', rows.slice(40)) };
}

async function namesIn(of: Store): Promise<readonly string[]> {
  const index = indexOf(await currentVersion(of, 'shirts'));
  const { shards } = await readAbout(of, index, indexAboutSchema);
  const names: string[] = [];
  for await (const { row } of eachRow(of, { ref: index, shards })) names.push(row.name);
  return names.sort();
}

const cli = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));

/** Real commands at the same time, each of a machine with a home of its own. @returns what each said, and how it ended */
async function together(storeUrl: string, commands: readonly (readonly string[])[]) {
  const folder = await mkdtemp(join(tmpdir(), 'contrail-machines-'));
  try {
    return await Promise.all(
      commands.map(async (command, at) => {
        const child = spawn(process.execPath, [cli, 'index', ...command], {
          env: { ...process.env, CONTRAIL_HOME: join(folder, String(at)), CONTRAIL_STORE: storeUrl },
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
        return { said, code: code as number | null };
      }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const missing = await whyNoS3Server();
let server: S3Server | undefined;
beforeAll(async () => {
  if (!missing) server = await startS3Server();
});
afterAll(() => server?.stop());

describe.each([
  { where: 'a folder', url: async () => await mkdtemp(join(tmpdir(), 'contrail-index-store-')), why: null },
  { where: 'a bucket', url: async () => server?.storeUrl('index-changes') ?? '', why: missing },
])('two additions and a removal at the same time, by the commands of three machines, in $where', ({ url, why }) => {
  it.skipIf(why)('are three versions, each made upon the one before, and the last has all of them', async () => {
    const storeUrl = await url();
    const own = openStore(storeUrl);
    await modelIn(own);
    const ended = await together(storeUrl, [
      ['add', 'shirts', 'second'],
      ['add', 'shirts', 'third'],
      ['remove', 'shirts', '--name', '7.jpg'],
    ]);
    expect(ended.map(({ code, said }) => (code === 0 ? 0 : said))).toEqual([0, 0, 0]);
    expect(await namesIn(own)).toEqual(
      rows
        .map(({ name }) => name)
        .filter((name) => name !== '7.jpg')
        .sort(),
    );
    const versions = await loadVersions(own, 'shirts');
    expect(versions.map(({ version }) => version)).toEqual([1, 2, 3, 4]);
    for (const [at, { index }] of versions.entries()) {
      if (at === 0 || !index) continue;
      const { parent } = await readAbout(own, index, indexAboutSchema);
      expect(parent?.digest).toBe(versions[at - 1]?.index?.digest);
    }
    if (!storeUrl.startsWith('s3:')) await rm(storeUrl, { recursive: true, force: true });
  });
});

describe('a change beside which the model got another version', () => {
  it('is made again upon that, and says so', async () => {
    const { second, third } = await modelIn(store);
    const before = await currentVersion(store, 'shirts');
    const adding = (vectors: ArtifactRef) =>
      changeIndexOf(store, before, (now) => ({ do: 'add', index: indexOf(now), vectors, prefix: undefined }), {
        json: false,
      });
    expect(await adding(second)).toBe(0);
    outputs.err = '';
    expect(await adding(third)).toBe(0);
    expect(outputs.err).toBe(
      [
        'shirts got version 2 (index changed, 20 added: 40 images, exact) while the index for version 1 was made. The change is made again upon that.',
        'shirts is now version 3: index changed, 20 added: 60 images, exact.\n',
      ].join('\n'),
    );
    expect(await namesIn(store)).toHaveLength(60);
  });

  it('is refused where it is a build, in which the other change would be lost', async () => {
    const [before] = await loadVersions(store, 'shirts');
    if (!before) throw new Error('there is no version');
    const vectors = await vectorsOf(store, { rows: rows.slice(0, 5) });
    const build = changeIndexOf(store, before, () => ({ do: 'build', vectors, settings: {} }), { json: false });
    await expect(build).rejects.toMatchObject({
      code: 'RunFailed',
      message:
        'shirts got version 3 (index changed, 20 added: 60 images, exact) while the index for version 1 was made, so nothing was changed. Images that were added meanwhile would not be in the new index. The same command builds it all the same.',
    });
    expect(await namesIn(store)).toHaveLength(60);
  });
});
