import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { lookAhead } from '../../cli/outlook/outlook.ts';
import { planSource } from '../../cli/pipeline-file.ts';
import { staleDataLines } from '../../cli/stale-data.ts';
import { canonicalJson, type Json } from '../../contracts/json.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import type { Plan } from '../../contracts/plan.ts';
import { prepareDataset } from '../../datasets/index.ts';
import {
  loadStepResults,
  openStore,
  reportFolder,
  type Store,
  saveStepResult,
  writeReportFile,
} from '../../store/index.ts';

const root = await mkdtemp(join(tmpdir(), 'contrail-stale-'));
afterAll(() => rm(root, { recursive: true, force: true }));
let images: string;
let store: Store;
let plan: Plan;
let number = 0;

const png = (shade: number) =>
  sharp({ create: { width: 8, height: 8, channels: 3, background: { r: shade, g: 0, b: 0 } } })
    .png()
    .toBuffer();

/** A run whose data is prepared from a folder of images. */
beforeEach(async () => {
  const folder = join(root, String(number++));
  images = join(folder, 'images');
  store = openStore(join(folder, 'store'));
  for (const [at, name] of ['coat', 'shirt'].entries()) {
    await mkdir(join(images, name), { recursive: true });
    for (let index = 0; index < 4; index++)
      await writeFile(join(images, name, `${index}.png`), await png(100 * at + index));
  }
  const text = `name: photos\nsteps:\n  data: { uses: prepare-data, with: { dataset: image-folder, path: ${images}, test: 0 } }\n`;
  plan = planSource({ file: 'photos.yaml', text });
  const [step] = plan.steps;
  const { summary, ref } = await prepareDataset(store, prepareDataParameters.parse(step?.with), {
    cacheFolder: folder,
    keepList: async (lines) => {
      await writeReportFile(store, 'first', 'data-files.tsv', lines);
      return `${reportFolder('first')}/data-files.tsv`;
    },
  });
  const fingerprint = canonicalJson({
    uses: 'prepare-data',
    version: step?.version ?? 0,
    with: step?.with ?? {},
    inputs: {},
  });
  const result = JSON.parse(JSON.stringify({ dataset: ref, ...summary })) as Record<string, Json>;
  await saveStepResult(store, { run: 'first', step: 'data' }, { fingerprint, result });
});

const reasonInPlan = async () =>
  (await lookAhead(store, plan, { resume: 'first', cached: async () => null })).steps[0]?.reason;

const lines = async () =>
  staleDataLines(store, await loadStepResults(store, 'first'), plan, (step) => `Retry ${step}.`);

describe('data that was prepared and would be used again', () => {
  it('is used without a word where its folder is as it was', async () => {
    expect(await reasonInPlan()).toBe('done in this run');
    expect(await lines()).toEqual([]);
  });

  it('is not used in silence where files were added, removed or replaced since', async () => {
    await writeFile(join(images, 'coat/new.png'), await png(77));
    await rm(join(images, 'shirt/3.png'));
    await writeFile(join(images, 'coat/0.png'), await png(200));
    await utimes(join(images, 'coat/0.png'), 1, 1);
    const said =
      'its folder has changed since: 1 file added (coat/new.png); 1 file removed (shirt/3.png); 1 file changed (coat/0.png)';
    expect(await reasonInPlan()).toBe(`done in this run; ${said}. \`contrail retry first data\` reads it again`);
    expect(await lines()).toEqual([`data is used as it was prepared; ${said}. Retry data.`]);
  });

  it('what file managers leave behind is no change', async () => {
    await writeFile(join(images, 'coat/.DS_Store'), '');
    expect(await lines()).toEqual([]);
  });

  it('says so where the folder is not on this machine, or the list is gone', async () => {
    await rm(images, { recursive: true });
    expect((await lines())[0]).toMatch(/its folder cannot be compared here: .* does not exist/);
    await store.remove(`${reportFolder('first')}/data-files.tsv`);
    expect((await lines())[0]).toMatch(/the list of its files is gone/);
  });
});
