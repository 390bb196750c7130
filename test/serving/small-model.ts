import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { evaluateParameters } from '../../contracts/kinds/evaluate.ts';
import { linearProbeParameters } from '../../contracts/kinds/linear-probe.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { trainerJobs } from '../../contracts/trainer.ts';
import { prepareDataset } from '../../datasets/index.ts';
import { stepJobs } from '../../evaluation/index.ts';
import { type Home, openHome } from '../../home/home.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { openStore, type Store, savePlan, saveStepResult } from '../../store/index.ts';
import { openRun, trainEpochs } from '../training/run.ts';
import { colours, stripes } from './pictures.ts';

/** A model that was really trained, for one epoch, and the run that it is of. */
export interface SmallModel {
  readonly home: Home;
  readonly store: Store;
  readonly storeUrl: string;
  /** A folder of the test file's own. */
  readonly folder: string;
  readonly dataset: ArtifactRef;
  readonly encoder: ArtifactRef;
  readonly classifier: ArtifactRef;
  /** Null where the model was not measured. */
  readonly evaluation: ArtifactRef | null;
}

export const run = 'stripes-1';
const key = { run, step: 'measure' };

const text = `
name: stripes
steps:
  data: { uses: prepare-data, with: { dataset: image-folder, path: pictures } }
  pretrain: { uses: pretrain, needs: [data] }
  probe: { uses: linear-probe, needs: [pretrain] }
  evaluate: { uses: evaluate, needs: [probe] }
`;

/**
 * Trains a model of three classes of colours, in a home of the test file's own, which is removed when its tests have ended.
 *
 * @param options.measured whether its classifier is evaluated
 */
export async function smallModel({ measured = false } = {}): Promise<SmallModel> {
  const folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'pictures');
  for (const colour of colours) {
    await mkdir(join(path, colour), { recursive: true });
    for (let number = 0; number < 60; number++)
      await writeFile(join(path, colour, `${number}.png`), await stripes(colour, number));
  }
  const home = openHome({ CONTRAIL_HOME: join(folder, 'home') });
  const store = openStore(home.storeUrl);
  const given = prepareDataParameters.parse({ dataset: 'image-folder', path, size: 32, validation: 0.2, test: 0.2 });
  const { ref: dataset } = await prepareDataset(store, given, { cacheFolder: folder });
  const config = {
    encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
    projection: { hidden: 16, output: 8 },
    optimizer: { name: 'adam', learningRate: 0.01 },
    batch: 32,
    epochs: 2,
  };
  const { encoder } = (await trainEpochs(openRun({ store, run, dataset, config }), 2)).made;
  const context = { store, key, stopRequested: () => false, progress: () => {} };
  const parameters = linearProbeParameters.parse({ epochs: 60, learningRates: [0.1] });
  const { classifier } = await stepJobs['linear-probe']({ ...key, encoder, dataset, parameters }, context);
  const input = () =>
    trainerJobs.evaluate.input.parse({
      ...key,
      classifier,
      encoder,
      dataset,
      parameters: evaluateParameters.parse({}),
    });
  const evaluation = measured ? (await stepJobs.evaluate(input(), context)).evaluation : null;
  await record(store, {
    pretrain: { encoder },
    probe: { classifier },
    ...(evaluation ? { evaluate: { evaluation } } : {}),
  });
  return { home, store, storeUrl: home.storeUrl, folder, dataset, encoder, classifier, evaluation };
}

/** Writes down what a worker would have: the plan, and what its steps gave. */
async function record(store: Store, results: Readonly<Record<string, Readonly<Record<string, ArtifactRef>>>>) {
  const plan = parsePipeline({ text, file: 'stripes.yaml' });
  await savePlan(store, run, plan);
  for (const [step, result] of Object.entries(results))
    await saveStepResult(
      store,
      { run, step },
      {
        fingerprint: '{}',
        result: Object.fromEntries(Object.entries(result).map(([name, ref]) => [name, { ...ref }])),
      },
    );
}
