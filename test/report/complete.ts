import sharp from 'sharp';
import type { MeasureComparison } from '../../contracts/comparison.ts';
import { confusionOf } from '../../contracts/confusion.ts';
import { detectorNames } from '../../contracts/outliers.ts';
import { type Report, reportSchema } from '../../contracts/report.ts';
import { corruptionNames } from '../../contracts/robustness.ts';
import { type Pictures, packSheet } from '../../report/index.ts';
import { sheetOf } from '../../report/pictures.ts';
import { drifted } from './drifted.ts';

export const dataset = 'd'.repeat(64);
/** What a user may call a class: markup, a script's end, quotes. */
export const classes = ['<img src=x onerror="document.title=1">', '</script><b>coat', `quo"te's & co`, 'shirt'];
const images = 60;
/** A grey square of 32 pixels, as WebP. */
const halfPicture = (
  await sharp({ create: { width: 32, height: 32, channels: 3, background: '#808080' } })
    .webp()
    .toBuffer()
).toString('base64');

/** Numbers that look like chance and are the same every time. */
const noise = (at: number) => {
  const value = Math.sin(at * 12.9898 + 78.233) * 43758.5453;
  return value - Math.floor(value);
};

const origin = (arm: string, seed: number, step = arm) => ({
  step: `${step}@seed=${seed}`,
  arm,
  variant: `seed=${seed}`,
});

function training(arm: string, seed: number): Report['trainings'][number] {
  const contrastive = arm === 'supcon';
  return {
    ...origin(arm, seed),
    uses: contrastive ? 'pretrain' : 'train-classifier',
    // Reports of before do not say it.
    ...(contrastive ? { loss: 'ArcFace' } : {}),
    takenFrom: null,
    plannedEpochs: 12,
    finished: true,
    epochs: Array.from({ length: 12 }, (_, at) => ({
      epoch: at + 1,
      loss: (contrastive ? 4 : 0.3) + 1 / (at + 1) + 0.03 * noise(at + seed),
      learningRate: 0.2 * (1 - at / 12),
      imagesPerSecond: 400 + 20 * noise(at * 3 + seed),
      seconds: 130,
      ...(contrastive ? { collapsedLoss: 5.541, withoutPositives: 0 } : {}),
    })),
    interruptions:
      seed === 0
        ? [
            { kind: 'restart', at: '2026-11-24T10:03:00.000Z', owner: 'one pid 12', epoch: 4 },
            { kind: 'resume', at: '2026-11-24T11:03:00.000Z', owner: 'two pid 7', epoch: 9 },
          ]
        : [],
    changes:
      seed === 0
        ? [{ after: 8, path: 'optimizer.learningRate', from: 0.2, to: 0.1, by: 'set', why: 'a <b>person</b>' }]
        : [],
  };
}

function evaluation(arm: string, seed: number): Report['evaluations'][number] {
  const top1 = (arm === 'supcon' ? 0.91 : 0.9) + 0.004 * noise(seed + arm.length);
  const label = (row: number) => row % classes.length;
  const predicted = (row: number) => (row % 7 === 0 ? (row + 1) % classes.length : label(row));
  const wrong = Array.from({ length: images }, (_, row) => row).filter((row) => predicted(row) !== label(row));
  return {
    ...origin(arm, seed, `measure-${arm}`),
    dataset,
    evaluation: {
      dataset: 'goods',
      classes,
      testImages: images,
      top1,
      top5: 1,
      macroF1: top1 - 0.01,
      expectedCalibrationError: 0.04,
      reliability: Array.from({ length: 10 }, (_, bin) => ({
        low: bin / 10,
        high: (bin + 1) / 10,
        images: bin < 3 ? 0 : bin * bin,
        confidence: bin < 3 ? null : (bin + 0.5) / 10,
        accuracy: bin < 3 ? null : Math.min(1, (bin + noise(bin)) / 10),
      })),
      knn: [{ k: 20, accuracy: top1 - 0.005 }],
      all: { images: images + 3, top1: top1 + 0.05, top5: 1, macroF1: top1, knn: top1 },
      clean: { images, top1, top5: 1, macroF1: top1 - 0.01, knn: top1 - 0.005 },
      leaks: {
        exact: 1,
        near: 2,
        embedding: null,
        policy: 'leave-out',
        partly: false,
        pairs: [
          { kind: 'exact', likeness: 1, a: inspected('test', 7, 1), b: inspected('train', 9, 1) },
          { kind: 'near', likeness: 0.993, a: inspected('test', 11, 3), b: inspected('train', 13, 0) },
        ],
      },
      perClass: classes.map((_, at) => ({ precision: 0.9, recall: 0.88, f1: 0.85 + 0.02 * at, support: 15 })),
      confusion: confusionOf(
        classes.map((_, row) => classes.map((_, column) => (row === column ? 13 : column === row + 1 ? 2 : 0))),
      ),
      mostConfused: [{ a: classes[0] ?? '', b: classes[1] ?? '', count: 4, rows: wrong.slice(0, 4) }],
      worst: wrong.map((row) => ({ row, label: label(row), predicted: predicted(row), confidence: 0.99 - row / 1000 })),
      geometry: {
        images,
        alignment: 0.4,
        uniformity: -2.1,
        intra: 0.8,
        inter: 0.1,
        silhouette: 0.4,
        recallAt1: 0.9,
        recallAt: [{ k: 1, value: 0.9 }],
        rPrecision: 0.8,
        mapAtR: 0.75,
      },
      encoderDigest: 'e'.repeat(64),
    },
    map:
      seed > 0
        ? null
        : {
            seed: 0,
            points: Array.from({ length: images }, (_, row) => ({
              row,
              label: label(row),
              predicted: predicted(row),
              confidence: 0.6 + 0.4 * noise(row),
              pca: [label(row) + 0.5 * noise(row), noise(row + 1)],
              umap: [label(row) + 0.4 * noise(row), (label(row) % 2) + 0.4 * noise(row + 1)],
              neighbours: [(row + 4) % images, (row + 8) % images, (row + 1) % images],
            })),
          },
  };
}

const measure = (
  name: string,
  a: number[],
  b: number[],
  verdict: MeasureComparison['verdict'],
  half = 0.004,
): MeasureComparison => {
  const meanOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const difference = meanOf(a) - meanOf(b);
  return {
    measure: name,
    goal: name === 'expected calibration error' ? 'lower' : 'higher',
    a: { values: a, mean: meanOf(a), deviation: 0.002 },
    b: { values: b, mean: meanOf(b), deviation: 0.002 },
    difference: { mean: difference, interval: [difference - half, difference + half] },
    verdict,
  };
};

const inspected = (split: string, row: number, label: number) => ({
  split,
  row,
  name: `<i>${split}</i>/${row}.png`,
  label,
});

const arms = ['supcon', 'baseline'];
const seeds = [0, 1, 2];
const every = <T>(of: (arm: string, seed: number) => T): T[] =>
  arms.flatMap((arm) => seeds.map((seed) => of(arm, seed)));

/** Two arms of three seeds with everything that can be measured. */
export const complete: Report = reportSchema.parse({
  format: 'contrail-report/1',
  title: 'Goods <two ways>',
  run: 'goods-1',
  builtAt: '2026-11-24T12:00:00.000Z',
  pipeline: { name: 'goods', description: 'Contrastive & cross-entropy', file: 'goods.yaml' },
  params: { epochs: 12, note: '<script>alert(1)</script>' },
  environment: { node: '20.20.2', code: 'c'.repeat(64) },
  startedAt: '2026-11-24T09:00:00.000Z',
  endedAt: '2026-11-24T12:00:00.000Z',
  forkedFrom: null,
  resumes: [{ at: '2026-11-24T11:00:00.000Z', accepted: [] }],
  schedule: null,
  machines: ['one', 'two'],
  steps: [
    {
      step: 'data',
      uses: 'prepare-data',
      done: true,
      seconds: 12,
      finishedAt: '2026-11-24T09:01:00.000Z',
      problem: null,
    },
    { step: 'notify', uses: 'notify', done: false, seconds: null, finishedAt: null, problem: 'no answer from <host>' },
  ],
  data: [
    {
      step: 'data',
      dataset,
      name: 'photos',
      classes: classes.length,
      counts: { train: 10, validation: 2, test: 60 },
      summary: {
        files: { found: 85, used: 72, leftOut: 0, rejected: 8, ignored: 5 },
        ignored: { macOS: 5 },
        reasons: [{ reason: 'is cut off or damaged', count: 8, first: ['train/<b>coat/0.png'] }],
        incomplete: [{ class: classes[1] as string, found: 14, used: 8, rejected: 6 }],
        list: 'runs/first/report/data-files.tsv',
        warnings: ['3 of 60 test images are exact copies of train images'],
        copies: [
          {
            split: 'test',
            alsoIn: 'train',
            images: 3,
            sameBytes: 2,
            first: [{ image: 'test/a.png', copyOf: 'train/<i>b.png' }],
          },
        ],
      },
      rejected: Array.from({ length: 8 }, (_, at) => ({
        path: `train/<b>coat/${at}.png`,
        reason: 'is cut off or damaged',
        ...(at < 3 ? { picture: halfPicture } : {}),
      })),
      examples: classes.map((name, label) => ({
        class: name,
        rows: [0, 1, 2, 3, 4, 5, 6, 7].map((at) => 8 + 4 * at + label),
      })),
    },
  ],
  drifts: [drifted],
  inspections: [
    {
      step: 'health',
      dataset,
      inspection: {
        dataset: 'photos',
        classes,
        seed: 0,
        embedding: 'encoder',
        images: [
          { split: 'train', images: 10 },
          { split: 'test', images: 60 },
        ],
        duplicates: {
          found: [{ kind: 'near', split: 'test', alsoIn: 'train', images: 3 }],
          pairs: [
            { kind: 'near', likeness: 0.991, a: inspected('train', 4, 1), b: inspected('test', 5, 2) },
            { kind: 'embedding', likeness: 0.995, a: inspected('test', 6, 2), b: inspected('test', 10, 2) },
          ],
          blank: 2,
          cutShort: 1,
        },
        suspects: {
          folds: 5,
          accuracy: 0.81,
          leftOut: { classes: 1, images: 1 },
          count: 41,
          confused: [{ label: 1, suggested: 3, images: 40 }],
          listed: Array.from({ length: 40 }, (_, at) => ({
            ...inspected('test', at, 1),
            suggested: 3,
            confidence: 0.97,
            ownConfidence: 0.01,
          })),
        },
        outliers: {
          neighbours: 10,
          leftOut: { classes: 1, images: 2 },
          count: 1,
          listed: [{ ...inspected('test', 9, 0), distance: 0.9, limit: 0.4 }],
        },
        alike: [{ a: classes[0], b: classes[2], names: true, confused: 0.31, centroids: 0.97 }],
        balance: {
          largest: { class: classes[3], images: 900 },
          smallest: { class: classes[0], images: 3 },
          median: 200,
          small: 1,
          smallClasses: [{ class: classes[0], images: 3 }],
        },
      },
    },
  ],
  trainings: every(training),
  evaluations: every(evaluation),
  robustness: every((arm, seed) => ({
    ...origin(arm, seed, `robust-${arm}`),
    robustness: {
      dataset: 'goods',
      testImages: images,
      seed: 0,
      clean: 0.91,
      corruptions: corruptionNames.map((name, at) => ({
        name,
        accuracy: [1, 2, 3, 4, 5].map((severity) => 0.9 - 0.03 * severity * (1 + at / 5) + 0.01 * noise(at + seed)),
      })),
      mean: 0.7,
    },
  })),
  outliers: every((arm, seed) => ({
    ...origin(arm, seed, `foreign-${arm}`),
    outliers: {
      dataset: 'goods',
      outside: 'digits',
      images: { known: images, outside: images },
      detectors: detectorNames.map((name) => ({
        name,
        auroc: 0.93,
        falsePositivesAt95: 0.3,
        roc: [0, 0.1, 0.3, 0.6, 1].map((x) => ({ falsePositives: x, truePositives: x ** 0.2 })),
      })),
    },
  })),
  retrieval: every((arm, seed) => {
    const estimate = (value: number) => ({ value: value + 0.01 * noise(seed), interval: [value - 0.03, value + 0.04] });
    return {
      ...origin(arm, seed, `retrieval-${arm}`),
      retrieval: {
        dataset: 'goods',
        images,
        queries: images - 1,
        classes: classes.length,
        seed: 0,
        resampled: 'queries',
        recallAt: [1, 5, 10].map((k) => ({ k, ...estimate(0.8 + k / 100) })),
        rPrecision: estimate(0.7),
        mapAtR: estimate(0.6),
        ndcg: estimate(0.9),
        worst: classes.map((name) => ({ name, queries: 15, recallAt1: 0.6, mapAtR: 0.4 })),
        verification: {
          pairs: { same: 435, different: 1335 },
          equalErrorRate: 0.12,
          roc: [0, 0.1, 0.3, 0.6, 1].map((x) => ({ falsePositives: x, truePositives: x ** 0.3 })),
          chosen: {
            wanted: 0.01,
            validationPairs: { same: 435, different: 1335 },
            threshold: 0.71,
            falseAccepts: 0.012,
            trueAccepts: 0.66,
          },
        },
      },
    };
  }),
  curves: every((arm, seed) => ({
    ...origin(arm, seed, `curve-${arm}`),
    curve: {
      dataset: 'goods',
      images: { train: 500, validation: 100 },
      points: [2, 4, 6, 8, 10, 12].map((epoch) => ({
        epoch,
        seconds: epoch * 130,
        loss: 4 + 1 / epoch,
        probe: 0.92 - 0.2 / epoch + 0.01 * noise(seed),
        knn: 0.9 - 0.25 / epoch,
      })),
    },
  })),
  sweeps: [
    {
      step: 'search',
      search: 'random',
      over: {
        learningRate: { log: [0.001, 1] },
        loss: ['supcon', '<b>other</b>', { name: 'triplet' }],
        rotation: { linear: [0, 0.2] },
        'a-name-that-is-rather-long': [16, 32],
      },
      seeds: 3,
      goal: 'highest',
      objective: 'probe.validationTop1',
      rungs: [1, 3, 9],
      isAsynchronous: false,
      wanted: 60,
      trials: Array.from({ length: 60 }, (_, rank) => ({
        trial: 59 - rank,
        parameters: {
          learningRate: Number((0.001 * 1000 ** noise(rank)).toPrecision(6)),
          loss: ['supcon', '<b>other</b>', { name: 'triplet' }][rank % 3],
          rotation: 0.2 * noise(rank + 500),
          'a-name-that-is-rather-long': rank % 2 === 0 ? 16 : 32,
        },
        ...(rank === 59
          ? { rungs: [{ epochs: 1, value: null }], lost: 'search-pretrain@trial=0: the loss is <i>NaN</i>' }
          : {
              rungs: [1, 3, 9]
                .slice(0, rank < 6 ? 3 : rank < 20 ? 2 : 1)
                .map((epochs) => ({ epochs, value: 0.9 - rank / 100 + epochs / 1000 })),
            }),
      })),
      isOver: true,
      deviation: 0.0123,
      epochs: 180,
      seconds: 5400,
    },
  ],
  comparisons: [
    {
      step: 'compare',
      comparison: {
        dataset: 'goods',
        a: 'supcon',
        b: 'baseline',
        pairs: 3,
        measures: [
          measure('top-1 accuracy', [0.912, 0.913, 0.911], [0.902, 0.903, 0.901], 'a is better'),
          measure('macro F1', [0.9, 0.91, 0.905], [0.901, 0.909, 0.903], 'none shown'),
          measure('expected calibration error', [0.05, 0.05, 0.06], [0.03, 0.03, 0.03], 'b is better', 0.01),
        ],
        classes: classes.map((name, at) => measure(name, [0.9, 0.9, 0.9 + at / 100], [0.9, 0.9, 0.89], 'none shown')),
        corruption: { a: { mCE: 0.95, relative: 1.02 }, b: { mCE: 1, relative: 1 } },
      },
    },
  ],
  promotions: [
    {
      step: 'promote',
      model: 'shirts',
      metric: 'top1',
      result: {
        promoted: false,
        version: 3,
        reason: 'top1 0.88, and version 3 has 0.9, on 50 test images that neither has seen (10 others were left out)',
        ...{ before: 0.9, after: 0.88, images: 50, seen: 10, low: -0.1, high: 0.06 },
      },
    },
  ],
  problems: ['foreign@seed=9: its outliers is of another version'],
});

/** Stripes, each image its own. */
export async function stripes(): Promise<Pictures> {
  const pixels = Uint8Array.from({ length: images * 32 * 32 }, (_, at) => ((at >> 5) * (1 + ((at / 1024) | 0))) % 256);
  const rows = Array.from({ length: images }, (_, row) => row);
  const size = { height: 32, width: 32, channels: 1 } as const;
  return new Map([
    [dataset, await packSheet(pixels, rows, size)],
    [sheetOf(dataset, 'train'), await packSheet(pixels.subarray(8 * 1024), rows.slice(8), size)],
  ]);
}
