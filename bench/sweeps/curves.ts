import { canonicalJson } from '../../contracts/json.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { pretrainParameters } from '../../contracts/kinds/pretrain.ts';
import { prepareDataset } from '../../datasets/index.ts';
import { randomSetting, type Setting } from '../../pipelines/language/interpret/sweep/space.ts';
import { openStore } from '../../store/index.ts';
import { createTrainingJobs } from '../../training/jobs/index.ts';
import { withFolder } from '../folder.ts';
import { data, over, search, trainingWith } from './search.ts';

/** The settings that the search tries, and of each the loss after every epoch of the whole training. */
export const learningCurves = (): Promise<{ readonly settings: Setting[]; readonly curves: number[][] }> =>
  withFolder(async (folder) => {
    const store = openStore(folder);
    const options = { cacheFolder: folder, onProgress: () => {}, signal: new AbortController().signal };
    const { ref: dataset } = await prepareDataset(store, prepareDataParameters.parse(data), options);
    const seen = new Set<string>();
    const settings: Setting[] = [];
    const curves: number[][] = [];
    for (let trial = 0; trial < search.trials; trial++) {
      const setting = randomSetting({ over, seed: 0 }, trial, seen);
      seen.add(canonicalJson(setting));
      settings.push(setting);
      const { learningRate, weightDecay, zoom } = setting;
      const {
        checkpoint,
        data: images,
        health: _,
        stop: __,
        ...config
      } = pretrainParameters.parse({
        ...trainingWith(learningRate, weightDecay, zoom),
        // Capturing a graph takes longer than these epochs.
        engine: 'eager',
      });
      const key = { run: 'curves', step: `trial-${trial}` };
      const train = createTrainingJobs()['train-epoch'];
      const context = { store, key, stopRequested: () => false, progress: () => {} };
      const losses: number[] = [];
      let recorded: { epoch: number; digest: string } | undefined;
      for (let epoch = 1; epoch <= search.epochs; epoch++) {
        const past = recorded ? { recorded } : {};
        const input = { ...key, dataset, config, checkpoint, data: images, epoch, ...past };
        const { digest, metrics } = await train(input, context);
        losses.push(metrics.loss);
        recorded = { epoch, digest };
      }
      curves.push(losses);
      process.stderr.write(`curve ${trial + 1} of ${search.trials}\n`);
    }
    return { settings, curves };
  });
