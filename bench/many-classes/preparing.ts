import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { prepareDataset } from '../../datasets/index.ts';
import { openStore } from '../../store/index.ts';
import { watchEventLoop } from '../engine/event-loop.ts';
import { residentMebibytes } from '../memory-use.ts';
import { longestStretch } from './busy-stretch.ts';

/** Prepares a folder of images in a process of its own, and prints what that took as JSON. Arguments: the folder, and that of the store. */
const [path, folder = ''] = process.argv.slice(2);
const store = openStore(folder);
const before = process.cpuUsage();
const begun = performance.now();
const { value: watched, longestMs } = await longestStretch(() =>
  watchEventLoop(() =>
    prepareDataset(store, prepareDataParameters.parse({ dataset: 'image-folder', path }), {
      cacheFolder: folder,
      keepList: async (lines) => {
        await store.write('files.tsv', lines);
        return 'files.tsv';
      },
    }),
  ),
);
const { value, heldUp } = watched;
const { user, system } = process.cpuUsage(before);
const { train, validation, test } = value.about.splits;
process.stdout.write(
  JSON.stringify({
    images: train.count + validation.count + test.count,
    seconds: (performance.now() - begun) / 1000,
    processorSeconds: (user + system) / 1e6,
    heldUp,
    longestMs,
    peakMebibytes: residentMebibytes('peak'),
  }),
);
