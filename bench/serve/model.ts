import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { linearProbeParameters } from '../../contracts/kinds/linear-probe.ts';
import { stepJobs } from '../../evaluation/index.ts';
import { addVersion, loadCurrent, type Store } from '../../store/index.ts';
import { exportModel } from '../../training/index.ts';
import { trainEncoder } from '../train-encoder.ts';
import { smallResnet } from '../workloads.ts';

/** An encoder and the classifier on it. */
export interface BenchModel {
  readonly encoder: ArtifactRef;
  readonly classifier: ArtifactRef;
}

/** Trains the small ResNet for an epoch, and a classifier on it. @param seed another one is another model */
export async function trainModel(store: Store, dataset: ArtifactRef, seed: number): Promise<BenchModel> {
  const key = { run: `bench-${seed}`, step: 'pretrain' };
  const context = { store, key, stopRequested: () => false, progress: () => {} };
  const config = { encoder: smallResnet(16), batch: 32, epochs: 1, seed };
  const encoder = await trainEncoder(store, { key, dataset, config });
  const parameters = linearProbeParameters.parse({ epochs: 20, learningRates: [0.1] });
  const { classifier } = await stepJobs['linear-probe']({ ...key, encoder, dataset, parameters }, context);
  return { encoder, classifier };
}

/** Makes a model the current one of its name. @param run that it is said to be of */
export async function promote(
  store: Store,
  name: string,
  { encoder, classifier }: BenchModel,
  run = 'bench',
): Promise<number> {
  const version = ((await loadCurrent(store, name))?.version ?? 0) + 1;
  await addVersion(store, {
    ...{ model: name, version, run, step: null, encoder, classifier },
    evaluation: { kind: 'retrieval', digest: '0'.repeat(64) },
    ...{ metrics: {}, testSet: '0'.repeat(64), reason: 'to be measured' },
  });
  return version;
}

/** @returns the folder of the SavedModel */
export async function exportSavedModel(store: Store, model: BenchModel, folder: string): Promise<string> {
  const savedModel = join(folder, 'saved_model');
  await mkdir(savedModel);
  await writeFile(join(savedModel, 'saved_model.pb'), (await exportModel(store, model)).savedModel);
  return savedModel;
}
