import { type LossConfig, namedLoss, type SupconSettings } from '../../contracts/losses.ts';
import type { MultiSimilarity } from './multi-similarity.ts';
import { baseTemperature } from './supcon.ts';

/** How a batch comes about. */
export interface BatchShape {
  /** Images in a batch. */
  readonly batch: number;
  /** Of each image. */
  readonly views: number;
  /** Images in the data set, by class. */
  readonly perClass: readonly number[];
  /** Images of each class that is in a batch, where the sampler decides that; else null: batches are drawn from all images alike. */
  readonly balanced: number | null;
}

/**
 * The mean loss of batches whose projections are all equal, where the gradient is 0, so that training cannot leave it. Undefined for
 * a loss without such a number: where class vectors are learned it depends on these.
 */
export function collapsedLoss(config: LossConfig, shape: BatchShape): number | undefined {
  const loss = namedLoss(config);
  const rows = shape.batch * shape.views;
  switch (loss.name) {
    case 'supcon':
      return ofSupcon(loss.settings, rows);
    case 'nPairs':
      return Math.log(rows);
    case 'triplet':
      return loss.settings.margin === 'soft' ? Math.LN2 : loss.settings.margin;
    case 'multiSimilarity':
      return ofMultiSimilarity(loss.settings, shape);
    case 'normalisedSoftmax':
    case 'arcFace':
      return undefined;
  }
}

/** ln(rows - 1), with a full queue ln(rows - 1 + queue), scaled as the loss is; of every variant, because equal similarities weigh alike. */
function ofSupcon({ temperature, scale, queue }: SupconSettings, rows: number): number {
  const factor = scale === 'none' ? 1 : scale === 'temperature' ? temperature : temperature / baseTemperature;
  return factor * Math.log(rows - 1 + queue);
}

/** All similarities are 1, so all pairs are kept, and the loss of a row follows from how many of its class are in the batch. */
function ofMultiSimilarity(
  { alpha, beta, base, epsilon }: MultiSimilarity,
  { batch, views, perClass, balanced }: BatchShape,
): number | undefined {
  // Without a tolerance rounding decides which pairs are kept.
  if (epsilon < 1e-5) return undefined;
  const ofRow = (othersOfClass: number) => {
    const positives = views * (othersOfClass + 1) - 1;
    const negatives = views * (batch - 1 - othersOfClass);
    if (positives === 0 || negatives === 0) return 0;
    return (
      Math.log1p(positives * Math.exp(-alpha * (1 - base))) / alpha + logOnePlus(negatives, beta * (1 - base)) / beta
    );
  };
  return balanced === null ? expectedOverDraws(perClass, batch, ofRow) : ofRow(balanced - 1);
}

/** log(1 + count exp(exponent)) for an exponent from 0. */
const logOnePlus = (count: number, exponent: number) => exponent + Math.log(count + Math.exp(-exponent));

/** The mean of a function of how many others of an image's class are in its batch, which is drawn from all images without repetition. */
function expectedOverDraws(perClass: readonly number[], batch: number, of: (others: number) => number): number {
  const total = perClass.reduce((sum, count) => sum + count, 0);
  const drawn = batch - 1;
  const sizes = new Map<number, number>();
  for (const count of perClass) if (count > 0) sizes.set(count, (sizes.get(count) ?? 0) + 1);
  let mean = 0;
  for (const [count, classes] of sizes) {
    const [own, foreign] = [count - 1, total - count];
    const least = Math.max(0, drawn - foreign);
    const most = Math.min(own, drawn);
    // Hypergeometric probabilities by the ratio of each to the one before.
    const logs = [0];
    for (let k = least; k < most; k++)
      logs.push((logs.at(-1) ?? 0) + Math.log(((own - k) * (drawn - k)) / ((k + 1) * (foreign - drawn + k + 1))));
    const largest = Math.max(...logs);
    const weights = logs.map((log) => Math.exp(log - largest));
    const sum = weights.reduce((so, weight) => so + weight, 0);
    const expected = weights.reduce((so, weight, at) => so + (weight / sum) * of(least + at), 0);
    mean += ((classes * count) / total) * expected;
  }
  return mean;
}
