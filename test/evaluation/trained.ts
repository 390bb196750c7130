/** A data set of generated gratings, an encoder that was really trained on it for one epoch, and its classifier. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { linearProbeParameters } from '../../contracts/kinds/linear-probe.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { prepareDataset } from '../../datasets/index.ts';
import { stepJobs } from '../../evaluation/index.ts';
import { openStore, parseJson, readArtifactFile, type Store } from '../../store/index.ts';
import { openRun, trainEpochs } from '../training/run.ts';

export let folder: string;
export let store: Store;
export let dataset: ArtifactRef;
export let outside: ArtifactRef;
export let encoder: ArtifactRef;
export let classifier: ArtifactRef;

export const key = { run: 'measured', step: 'measure' };
export const progress: { phase: string; done: number; total: number }[] = [];
export const context = (stopAt?: string) => ({
  store,
  key,
  stopRequested: () => stopAt !== undefined && progress.at(-1)?.phase === stopAt,
  progress: (each: (typeof progress)[number]) => void progress.push(each),
});
export const prepare = async (params: object) =>
  (
    await prepareDataset(store, prepareDataParameters.parse({ dataset: 'generated', ...params }), {
      cacheFolder: folder,
    })
  ).ref;
export const parsed = async (ref: ArtifactRef, file: string) => parseJson(await readArtifactFile(store, ref, file));

/** Makes the data sets, the encoder and its classifier for the tests of the file that calls this. */
export function useTrained(): void {
  beforeAll(async () => {
    progress.length = 0;
    folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
    store = openStore(folder);
    dataset = await prepare({ generated: { classes: 3, images: 480 }, test: 0.3 });
    outside = await prepare({ generated: { classes: 7, images: 200 }, seed: 9, test: 0.5 });
    const config = {
      encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
      projection: { hidden: 16, output: 8 },
      optimizer: { name: 'adam', learningRate: 0.01 },
      batch: 32,
      epochs: 1,
    };
    ({ encoder } = (await trainEpochs(openRun({ store, run: 'measured', dataset, config }), 1)).made);
    const parameters = linearProbeParameters.parse({ epochs: 30, learningRates: [0.1] });
    ({ classifier } = await stepJobs['linear-probe']({ ...key, encoder, dataset, parameters }, context()));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
}
