import { predictions, type Scores } from './classification.ts';

/** What is in a bin (low, high] of the highest probability: null where nothing is. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly images: number;
  readonly confidence: number | null;
  readonly accuracy: number | null;
}

/** Accuracy and mean confidence in equal bins of the highest probability (arXiv:1706.04599). */
export function reliability(scores: Scores, labels: Int32Array, bins = 15): ReliabilityBin[] {
  const sums = Array.from({ length: bins }, () => ({ images: 0, confidence: 0, hits: 0 }));
  predictions(scores).forEach((label, row) => {
    const confidence = scores.values[row * scores.classes + label] ?? 0;
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))];
    if (!bin) return;
    bin.images++;
    bin.confidence += confidence;
    if (label === labels[row]) bin.hits++;
  });
  return sums.map(({ images, confidence, hits }, index) => ({
    low: index / bins,
    high: (index + 1) / bins,
    images,
    confidence: images === 0 ? null : confidence / images,
    accuracy: images === 0 ? null : hits / images,
  }));
}

/** Expected calibration error: the mean distance between confidence and accuracy, weighted by the images in the bins. */
export function expectedCalibrationError(bins: readonly ReliabilityBin[]): number {
  const images = bins.reduce((sum, bin) => sum + bin.images, 0);
  const distances = bins.reduce(
    (sum, { images: own, confidence, accuracy }) => sum + own * Math.abs((confidence ?? 0) - (accuracy ?? 0)),
    0,
  );
  return distances / Math.max(1, images);
}
