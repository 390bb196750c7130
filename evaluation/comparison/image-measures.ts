import type { MetricName } from '../../contracts/models.ts';
import { randomDraws } from '../../datasets/index.ts';
import { type ClassMetrics, countByClass, macroF1 } from '../metrics/classification.ts';
import { middle95, wilson } from '../metrics/intervals.ts';
import type { ImageAnswers } from './image-answers.ts';

const resamples = 999;
/** Resamples before other work gets its turn. */
const atOnce = 20;

/** A measure of one model on some of the test images; null where it is not measured. @param classes how many there are */
export function measureOn(
  answers: ImageAnswers,
  rows: ArrayLike<number>,
  metric: MetricName,
  classes: number,
): number | null {
  if (rows.length === 0) return null;
  if (metric === 'macroF1') return macroF1(perClassOn(answers, rows, classes));
  const isRight = rightBy(answers, metric, classes);
  if (!isRight) return null;
  let hits = 0;
  for (let at = 0; at < rows.length; at++) hits += Number(isRight(rows[at] ?? 0));
  return hits / rows.length;
}

/** Whether the answer on a row is right; null where the metric is none of single images, or was not kept. */
function rightBy(
  { labels, predicted, rank, neighbours }: ImageAnswers,
  metric: MetricName,
  classes: number,
): ((row: number) => boolean) | null {
  if (metric === 'top1') return (row) => predicted[row] === labels[row];
  if (metric === 'top5') return classes > 5 ? (row) => (rank[row] ?? 5) < 5 : null;
  if (metric === 'knn') return neighbours && ((row) => neighbours[row] === labels[row]);
  return null;
}

/** Precision, recall and F1 of each class on some rows; null where there is nothing to divide by. */
export function perClassOn(
  { labels, predicted }: ImageAnswers,
  rows: ArrayLike<number>,
  classes: number,
): ClassMetrics[] {
  const { add, metrics } = countByClass(classes);
  for (let at = 0; at < rows.length; at++) add(labels[rows[at] ?? 0] ?? 0, predicted[rows[at] ?? 0] ?? 0, 1);
  return metrics();
}

/** How two models differ on the same images. */
export interface ImageDifference {
  readonly after: number;
  readonly before: number;
  /** Of after - before, over other images of the kind: 95 %. */
  readonly interval: readonly [number, number];
  /** Images that the one gets right and the other does not, counted for the new one; null where single images are not right. */
  readonly more: number | null;
}

/**
 * Compares two models on the same rows of a test split. The interval of a share of right answers is Newcombe's for paired
 * shares (1998, method 10); that of macro F1 is a paired bootstrap, which draws the same each time.
 *
 * @returns null where either is not measured
 */
export async function differenceOn(
  after: ImageAnswers,
  before: ImageAnswers,
  rows: Int32Array,
  metric: MetricName,
  classes: number,
): Promise<ImageDifference | null> {
  const [ofAfter, ofBefore] = [after, before].map((each) => measureOn(each, rows, metric, classes));
  if (typeof ofAfter !== 'number' || typeof ofBefore !== 'number') return null;
  const measured = { after: ofAfter, before: ofBefore };
  if (metric === 'macroF1')
    return { ...measured, interval: await bootstrapped(after, before, rows, classes), more: null };
  const [a, b] = [rightBy(after, metric, classes), rightBy(before, metric, classes)];
  const table = { both: 0, onlyAfter: 0, onlyBefore: 0, neither: 0 };
  for (const row of rows) table[a?.(row) ? (b?.(row) ? 'both' : 'onlyAfter') : b?.(row) ? 'onlyBefore' : 'neither']++;
  return { ...measured, interval: pairedInterval(table), more: table.onlyAfter - table.onlyBefore };
}

/** The 95 % interval of the difference of two shares over the same images. */
export function pairedInterval({
  both,
  onlyAfter,
  onlyBefore,
  neither,
}: Readonly<Record<'both' | 'onlyAfter' | 'onlyBefore' | 'neither', number>>): [number, number] {
  const n = both + onlyAfter + onlyBefore + neither;
  const [after, before] = [wilson(both + onlyAfter, n), wilson(both + onlyBefore, n)];
  const difference = (onlyAfter - onlyBefore) / n;
  const product = (both + onlyAfter) * (onlyBefore + neither) * (both + onlyBefore) * (onlyAfter + neither);
  const excess = both * neither - onlyAfter * onlyBefore;
  const phi = product === 0 ? 0 : (excess > 0 ? Math.max(excess - n / 2, 0) : excess) / Math.sqrt(product);
  const width = (x: number, y: number) => Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y));
  return [
    difference - width(after.share - after.low, before.high - before.share),
    difference + width(after.high - after.share, before.share - before.low),
  ];
}

async function bootstrapped(
  after: ImageAnswers,
  before: ImageAnswers,
  rows: Int32Array,
  classes: number,
): Promise<[number, number]> {
  const differences = new Float64Array(resamples);
  const drawn = new Int32Array(rows.length);
  const f1Of = (answers: ImageAnswers) => macroF1(perClassOn(answers, drawn, classes)) ?? 0;
  for (let resample = 0; resample < resamples; resample++) {
    const draw = randomDraws(0, 'paired bootstrap', resample);
    for (let at = 0; at < drawn.length; at++) drawn[at] = rows[Math.floor((draw(at) / 2 ** 32) * rows.length)] ?? 0;
    differences[resample] = f1Of(after) - f1Of(before);
    if (resample % atOnce === 0) await new Promise(setImmediate);
  }
  return middle95(differences);
}
