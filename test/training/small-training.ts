import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { prepareDataset } from '../../datasets/index.ts';
import { openStore, type Store } from '../../store/index.ts';

/** A store of the test file's own that holds a data set of two classes. It is removed when the tests of the file have ended. */
export async function generatedData(
  images: number,
  params: object = {},
): Promise<{ readonly store: Store; readonly dataset: ArtifactRef }> {
  const folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const store = openStore(pathToFileURL(folder).href);
  const given = prepareDataParameters.parse({ dataset: 'generated', generated: { classes: 2, images }, ...params });
  return { store, dataset: (await prepareDataset(store, given, { cacheFolder: folder })).ref };
}

/** The smallest model, of which an epoch takes a moment. */
export const smallConfig = {
  encoder: { name: 'small-resnet', channels: 4, blocks: [1] },
  projection: { hidden: 8, output: 4 },
  batch: 16,
  epochs: 10,
};
