import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { linearProbeParameters } from '../../contracts/kinds/linear-probe.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { prepareDataset } from '../../datasets/index.ts';
import { stepJobs } from '../../evaluation/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { openRun, trainEpochs } from '../training/run.ts';

/** An encoder that was really trained, for one epoch, and the classifier on it. */
export interface SmallModel {
  readonly store: Store;
  readonly storeUrl: string;
  /** A folder of the test file's own, which holds the store. */
  readonly folder: string;
  readonly dataset: ArtifactRef;
  readonly encoder: ArtifactRef;
  readonly classifier: ArtifactRef;
}

export const key = { run: 'small', step: 'measure' };
export const contextOf = (store: Store) => ({ store, key, stopRequested: () => false, progress: () => {} });

/**
 * Trains a model in a store of the test file's own, which is removed when its tests have ended.
 *
 * @param params of the data set; gratings of three classes where absent
 */
export async function smallModel(params: object = {}): Promise<SmallModel> {
  const folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const storeUrl = join(folder, 'store');
  const store = openStore(storeUrl);
  const given = prepareDataParameters.parse({
    dataset: 'generated',
    ...('dataset' in params ? {} : { generated: { classes: 3, images: 480 }, test: 0.3 }),
    ...params,
  });
  const dataset = (await prepareDataset(store, given, { cacheFolder: folder })).ref;
  const config = {
    encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
    projection: { hidden: 16, output: 8 },
    optimizer: { name: 'adam', learningRate: 0.01 },
    batch: 32,
    epochs: 1,
  };
  const { encoder } = (await trainEpochs(openRun({ store, run: key.run, dataset, config }), 1)).made;
  const parameters = linearProbeParameters.parse({ epochs: 30, learningRates: [0.1] });
  const { classifier } = await stepJobs['linear-probe']({ ...key, encoder, dataset, parameters }, contextOf(store));
  return { store, storeUrl, folder, dataset, encoder, classifier };
}
