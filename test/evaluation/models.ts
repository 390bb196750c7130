import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { classifierFile, evaluationFile, evaluationSchema, predictionsFile } from '../../contracts/evaluation.ts';
import { prepareDataParameters } from '../../contracts/kinds/prepare-data.ts';
import { openSplit, prepareDataset, randomUint32 } from '../../datasets/index.ts';
import { confusionMatrix, macroF1, perClassMetrics } from '../../evaluation/metrics/classification.ts';
import {
  bytesOf,
  encodeSafetensors,
  jsonBytes,
  readArtifactJson,
  type Store,
  writeArtifact,
} from '../../store/index.ts';
import { complete } from '../report/complete.ts';

/** Classes of the images, and what they are called. */
export const classes = 8;
export const names = Array.from({ length: classes }, (_, label) => String(label));

export const hash = (digit: string) => digit.repeat(64);

/** The same 400 images, split in two ways. @param folder is written to */
export async function preparedTwice(store: Store, folder: string): Promise<readonly [ArtifactRef, ArtifactRef]> {
  for (let image = 0; image < 400; image++) {
    const pixels = Uint8Array.from({ length: 64 }, (_, at) => randomUint32(7, 'image', image, at));
    const path = join(folder, 'images', `class-${image % classes}`, `${image}.png`);
    await mkdir(dirname(path), { recursive: true });
    await sharp(pixels, { raw: { width: 8, height: 8, channels: 1 } })
      .png()
      .toFile(path);
  }
  const prepare = async (seed: number) => {
    const params = { dataset: 'image-folder', path: join(folder, 'images'), seed, test: 0.3 };
    return (await prepareDataset(store, prepareDataParameters.parse(params), { cacheFolder: folder })).ref;
  };
  return [await prepare(0), await prepare(1)];
}

/** Models that were never trained, and what they are said to have answered. */
export function modelsIn(store: Store) {
  /** A model trained on one data set. */
  async function modelOn(dataset: ArtifactRef, name: string, known = names) {
    const encoder = await writeArtifact(store, {
      kind: 'encoder',
      about: {
        encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
        dimension: 16,
        image: { height: 32, width: 32, channels: 1, mean: [0], deviation: [1] },
        dataset: dataset.digest,
        trainingState: hash('a'),
        epochs: 1,
        batchNormImages: 1,
      },
      files: [{ path: 'encoder.safetensors', content: jsonBytes(name) }],
    });
    const classifier = await writeArtifact(store, {
      kind: 'classifier',
      about: {
        classes: known,
        dimension: 16,
        encoder,
        dataset,
        learningRate: 0.1,
        epochs: 1,
        candidates: [],
      },
      files: [{ path: classifierFile, content: jsonBytes(name) }],
    });
    return { encoder, classifier };
  }

  /** What a model said of the test images: right but for one in `wrongEvery`. */
  async function evaluated(
    model: Awaited<ReturnType<typeof modelOn>>,
    dataset: ArtifactRef,
    wrongEvery: number,
    called = names,
  ): Promise<ArtifactRef> {
    const test = await openSplit(store, dataset, 'test');
    const labels = await test.labels();
    await test.close();
    const isWrong = (row: number) => row % wrongEvery === 0;
    const predicted = labels.map((label, row) => (isWrong(row) ? (label + 1) % classes : label));
    const perClass = perClassMetrics(confusionMatrix(labels, predicted, classes));
    const [like] = complete.evaluations;
    if (!like) throw new Error('the complete report has evaluations');
    const { all: _, clean: __, leaks: ___, ...ofEarlierVersion } = like.evaluation;
    const i32 = (name: string, data: Int32Array) => ({
      name,
      dtype: 'I32' as const,
      shape: [data.length],
      data: bytesOf(data),
    });
    return writeArtifact(store, {
      kind: 'evaluation',
      about: { ...model, dataset },
      files: [
        {
          path: evaluationFile,
          content: jsonBytes(
            evaluationSchema.parse({
              ...ofEarlierVersion,
              classes: called,
              testImages: labels.length,
              top1: labels.filter((_, row) => !isWrong(row)).length / labels.length,
              macroF1: macroF1(perClass),
              perClass,
              confusion: confusionMatrix(labels, predicted, classes),
            }),
          ),
        },
        {
          path: predictionsFile,
          content: encodeSafetensors([
            i32('labels', labels),
            i32('predicted', predicted),
            i32(
              'rank',
              labels.map((_, row) => Number(isWrong(row))),
            ),
            i32('neighbours', predicted),
            {
              name: 'confidence',
              dtype: 'F32',
              shape: [labels.length],
              data: bytesOf(new Float32Array(labels.length).fill(0.9)),
            },
          ]),
        },
      ],
    });
  }

  /** An evaluation as a report has it. */
  const reportedAs = async (arm: string, dataset: ArtifactRef, evaluation: ArtifactRef) => ({
    step: 'evaluate',
    arm,
    variant: '',
    dataset: dataset.digest,
    artifact: evaluation.digest,
    evaluation: await readArtifactJson(store, evaluation, evaluationFile, evaluationSchema),
    map: null,
  });

  return { modelOn, evaluated, reportedAs };
}
