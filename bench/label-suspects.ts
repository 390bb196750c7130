import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { inspectionFile, inspectionSchema } from '../contracts/inspection.ts';
import { inspectDataParameters } from '../contracts/kinds/inspect-data.ts';
import { prepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import { createDatasetWriter } from '../datasets/dataset-writer.ts';
import { describeDataset, loadSplit, openSplit, prepareDataset, randomUint32 } from '../datasets/index.ts';
import { stepJobs } from '../evaluation/index.ts';
import { lookAt } from '../evaluation/inspection/looks.ts';
import { fitFolds } from '../evaluation/inspection/out-of-sample.ts';
import { openHome } from '../home/home.ts';
import { runProgram } from '../native/programs.ts';
import { openStore, readArtifactJson, type Store } from '../store/index.ts';
import { withFolder } from './folder.ts';
import { encodeNpy } from './npy.ts';

export interface SuspectsRow {
  readonly who: string;
  /** Accuracy of the classifiers on labels that they did not see, wrong ones among them. */
  readonly accuracy: number | null;
  readonly suspects: number;
  /** Share of the suspects that were flipped, share of the flipped that are suspects. */
  readonly precision: number;
  readonly recall: number;
  /** Share of flipped among as many of the surest suspects as were flipped. */
  readonly precisionOfSurest: number;
  readonly seconds: number | null;
}

const images = 10_000;
const flippedShare = 0.05;
const folds = 5;

const foundSchema = z.object({
  sameProbabilities: z.array(z.int()),
  own: z.array(z.int()),
  ownDefault: z.array(z.int()),
  ownAccuracy: z.number(),
  ownSeconds: z.number(),
});

/** Labels of Fashion-MNIST that were made wrong, found by us and by cleanlab, on pixels. */
export async function benchLabelSuspects(python: string): Promise<SuspectsRow[]> {
  return withFolder(async (folder) => {
    const store = openStore(join(folder, 'store'));
    const { dataset, flipped } = await withWrongLabels(store, join(folder, 'store'));
    const parameters = inspectDataParameters.parse({ folds, listed: 5000 });
    const key = { run: 'bench', step: 'inspect' };
    const context = { store, key, progress: () => {}, stopRequested: () => false };
    const begun = performance.now();
    const { inspection } = await stepJobs['inspect-data']({ ...key, dataset, parameters }, context);
    const seconds = (performance.now() - begun) / 1000;
    const { suspects } = await readArtifactJson(store, inspection, inspectionFile, inspectionSchema);
    const ours = suspects.listed.map(({ row }) => row);
    await writeArrays(folder, store, dataset, parameters.epochs);
    const script = fileURLToPath(new URL('cleanlab/find.py', import.meta.url));
    // Threads of small products wait for each other.
    const found = foundSchema.parse(
      JSON.parse(await runProgram(python, [script, folder], { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' })),
    );
    const row = (who: string, rows: readonly number[], accuracy: number | null, taken: number | null): SuspectsRow => {
      const hits = (some: readonly number[]) => some.filter((each) => flipped.has(each)).length;
      return {
        who,
        accuracy,
        suspects: rows.length,
        precision: hits(rows) / rows.length,
        recall: hits(rows) / flipped.size,
        precisionOfSurest: hits(rows.slice(0, flipped.size)) / flipped.size,
        seconds: taken,
      };
    };
    const own = found.ownAccuracy;
    return [
      row('inspect-data, all that it does', ours, suspects.accuracy, seconds),
      row('cleanlab, our probabilities', found.sameProbabilities, suspects.accuracy, null),
      row('cleanlab, logistic regression of scikit-learn', found.own, own, found.ownSeconds),
      row('the same, by noise rate (its default)', found.ownDefault, own, null),
    ];
  });
}

/** Fashion-MNIST as it is, with some labels changed to another class, each as likely. */
async function withWrongLabels(
  store: Store,
  folder: string,
): Promise<{ readonly dataset: ArtifactRef; readonly flipped: ReadonlySet<number> }> {
  const { cacheFolder } = openHome();
  const wanted = prepareDataParameters.parse({
    dataset: 'fashion-mnist',
    limit: { train: images, test: 100 },
    validation: 0,
  });
  const { ref } = await prepareDataset(store, wanted, { cacheFolder });
  const { classes } = await describeDataset(store, ref);
  const { images: pixels, labels, count, height, width } = await loadSplit(store, ref, 'train');
  const flipped = new Set<number>();
  const writer = createDatasetWriter(folder, { classes, channels: 1 });
  for (let row = 0; row < count; row++) {
    const isFlipped = randomUint32(7, 'flip a label', row) < flippedShare * 2 ** 32;
    if (isFlipped) flipped.add(row);
    const shift = isFlipped ? 1 + (randomUint32(7, 'to which class', row) % (classes.length - 1)) : 0;
    await writer.add({
      pixels: pixels.slice(row * height * width, (row + 1) * height * width),
      height,
      width,
      channels: 1,
      split: 'train',
      class: classes[((labels[row] as number) + shift) % classes.length] as string,
    });
  }
  const { digest } = await writer.finish();
  return { dataset: { kind: 'dataset', digest }, flipped };
}

/** What cleanlab is given: pixels, labels, and the probabilities that inspect-data computed, which it does not keep. */
async function writeArrays(folder: string, store: Store, dataset: ArtifactRef, epochs: number): Promise<void> {
  const split = await openSplit(store, dataset, 'train');
  try {
    const rows = Int32Array.from({ length: split.count }, (_, row) => row);
    const turn = async () => {};
    const { pixels } = await lookAt(store, dataset, [{ split: 'train', images: split, rows }], {
      wantsPixels: true,
      turn,
    });
    if (!pixels) throw new Error('pixels were wanted');
    const labels = await split.labels();
    const classes = (await describeDataset(store, dataset)).classes.length;
    const { classify } = await fitFolds(pixels, labels, { classes, folds, epochs, seed: 0, turn });
    const probabilities = new Float32Array(split.count * classes);
    await classify((some, images) => {
      for (const [at, image] of images.entries())
        probabilities.set(some.subarray(at * classes, (at + 1) * classes), image * classes);
    }, turn);
    const write = (name: string, content: Buffer) => writeFile(join(folder, `${name}.npy`), content);
    await write('pixels', encodeNpy('<f4', [split.count, pixels.dimension], pixels.values));
    await write('labels', encodeNpy('<i4', [split.count], labels));
    await write('probabilities', encodeNpy('<f4', [split.count, classes], probabilities));
  } finally {
    await split.close();
  }
}
