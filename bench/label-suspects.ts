import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { inspectionFile, inspectionSchema } from '../contracts/inspection.ts';
import { inspectDataParameters } from '../contracts/kinds/inspect-data.ts';
import { prepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import { trainerJobs } from '../contracts/trainer.ts';
import { createDatasetWriter } from '../datasets/dataset-writer.ts';
import { describeDataset, loadSplit, openSplit, prepareDataset, randomUint32 } from '../datasets/index.ts';
import type { Embedding } from '../evaluation/embedding.ts';
import { stepJobs } from '../evaluation/index.ts';
import { lookAt } from '../evaluation/inspection/looks.ts';
import { fitFolds } from '../evaluation/inspection/out-of-sample.ts';
import { openHome } from '../home/home.ts';
import { runProgram } from '../native/programs.ts';
import { openStore, readArtifactJson, type Store } from '../store/index.ts';
import { openEncoder } from '../training/index.ts';
import { withFolder } from './folder.ts';
import { encodeNpy } from './npy.ts';
import { trainOnWrongLabels } from './suspects-encoder.ts';

export interface SuspectsRow {
  readonly who: string;
  /** Accuracy of the classifiers on labels that they did not see, wrong ones among them. */
  readonly accuracy: number | null;
  readonly suspects: number;
  /** Share of the suspects that were flipped, share of the flipped that are suspects. */
  readonly precision: number;
  readonly recall: number;
  /** Share of flipped among as many of the surest suspects as were flipped; null where fewer are suspected. */
  readonly precisionOfSurest: number | null;
  /** The training of the encoder included. */
  readonly seconds: number | null;
}

const images = 10_000;
const flippedShare = 0.05;
const folds = 5;

const foundSchema = z.object({
  sameProbabilities: z.array(z.int()),
  encoderProbabilities: z.array(z.int()),
  encoderDefault: z.array(z.int()),
  own: z.array(z.int()),
  ownDefault: z.array(z.int()),
  ownAccuracy: z.number(),
  ownSeconds: z.number(),
});

/** Labels of Fashion-MNIST that were made wrong, found by us and by cleanlab, on pixels and by an encoder that was trained on these labels. */
export async function benchLabelSuspects(python: string): Promise<SuspectsRow[]> {
  return withFolder(async (folder) => {
    const store = openStore(join(folder, 'store'));
    const { dataset, flipped } = await withWrongLabels(store, join(folder, 'store'));
    const inspect = async (encoder?: ArtifactRef, training?: StepKey) => {
      const key = { run: 'bench', step: 'inspect' };
      const context = { store, key, progress: () => {}, stopRequested: () => false };
      const begun = performance.now();
      const input = inspectInput.parse({
        ...key,
        dataset,
        encoder,
        parameters: { folds, listed: 5000, ...(training ? { training } : {}) },
      });
      const { inspection } = await stepJobs['inspect-data'](input, context);
      const seconds = (performance.now() - begun) / 1000;
      return { ...(await readArtifactJson(store, inspection, inspectionFile, inspectionSchema)).suspects, seconds };
    };
    const byPixels = await inspect();
    const { encoder, training, seconds: trained } = await trainOnWrongLabels(store, dataset);
    const byEncoder = await inspect(encoder, training);
    await writeArrays(folder, store, dataset, encoder);
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
        precisionOfSurest: rows.length < flipped.size ? null : hits(rows.slice(0, flipped.size)) / flipped.size,
        seconds: taken,
      };
    };
    const { ownAccuracy: own } = found;
    const rowsOf = (listed: readonly { readonly row: number }[]) => listed.map((each) => each.row);
    const low = byEncoder.byLoss?.listed ?? [];
    const both = byEncoder.listed.filter(({ byLoss }) => byLoss);
    const either = [
      ...both,
      ...byEncoder.listed.filter(({ byLoss }) => !byLoss),
      ...low.filter((each) => !each.byClassifiers),
    ];
    return [
      row('inspect-data by pixels', rowsOf(byPixels.listed), byPixels.accuracy, byPixels.seconds),
      row('cleanlab, our probabilities', found.sameProbabilities, byPixels.accuracy, null),
      row('cleanlab, logistic regression of scikit-learn', found.own, own, found.ownSeconds),
      row('the same, by noise rate (its default)', found.ownDefault, own, null),
      row('inspect-data by the encoder', rowsOf(byEncoder.listed), byEncoder.accuracy, trained + byEncoder.seconds),
      row('cleanlab, our probabilities by the encoder', found.encoderProbabilities, byEncoder.accuracy, null),
      row('the same, by noise rate (its default)', found.encoderDefault, byEncoder.accuracy, null),
      row('inspect-data by the loss of checkpoints', rowsOf(low.toSorted((a, b) => a.margin - b.margin)), null, null),
      row('inspect-data, both ways', rowsOf(both), null, null),
      row('inspect-data, either way', rowsOf(either), null, null),
    ];
  });
}

const inspectInput = trainerJobs['inspect-data'].input;

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
async function writeArrays(folder: string, store: Store, dataset: ArtifactRef, encoder: ArtifactRef): Promise<void> {
  const split = await openSplit(store, dataset, 'train');
  const embedder = await openEncoder(store, encoder);
  try {
    const rows = Int32Array.from({ length: split.count }, (_, row) => row);
    const { pixels } = await lookAt(store, dataset, [{ split: 'train', images: split, rows }], {
      wantsPixels: true,
      turn,
    });
    if (!pixels) throw new Error('pixels were wanted');
    const labels = await split.labels();
    const classes = (await describeDataset(store, dataset)).classes.length;
    const { features } = await embedder.featuresOf(split, () => {});
    const embedded = { values: features, count: split.count, dimension: embedder.dimension };
    const write = (name: string, content: Buffer) => writeFile(join(folder, `${name}.npy`), content);
    await write('pixels', encodeNpy('<f4', [split.count, pixels.dimension], pixels.values));
    await write('labels', encodeNpy('<i4', [split.count], labels));
    for (const [name, embedding] of Object.entries({ probabilities: pixels, 'encoder-probabilities': embedded }))
      await write(name, encodeNpy('<f4', [split.count, classes], await probabilitiesOf(embedding, labels, classes)));
  } finally {
    embedder.dispose();
    await split.close();
  }
}

/** Float32 [images, classes], each by the classifier that did not see the image. */
async function probabilitiesOf(embedding: Embedding, labels: Int32Array, classes: number): Promise<Float32Array> {
  const { epochs, seed } = inspectDataParameters.parse({});
  const { classify } = await fitFolds(embedding, labels, { classes, folds, epochs, seed, turn });
  const probabilities = new Float32Array(labels.length * classes);
  await classify((some, images) => {
    for (const [at, image] of images.entries())
      probabilities.set(some.subarray(at * classes, (at + 1) * classes), image * classes);
  }, turn);
  return probabilities;
}

const turn = async () => {};
