import type { Answers } from './classification.ts';

/** What is in a bin (low, high] of the highest probability: null where nothing is. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly images: number;
  readonly confidence: number | null;
  readonly accuracy: number | null;
}

/** Accuracy and mean confidence in equal bins of the highest probability (arXiv:1706.04599). */
export function reliability(
  { predicted, confidence }: Pick<Answers, 'predicted' | 'confidence'>,
  labels: Int32Array,
  bins = 15,
): ReliabilityBin[] {
  const sums = Array.from({ length: bins }, () => ({ images: 0, confidence: 0, hits: 0 }));
  predicted.forEach((label, row) => {
    const share = confidence[row] ?? 0;
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.ceil(share * bins) - 1))];
    if (!bin) return;
    bin.images++;
    bin.confidence += share;
    if (label === labels[row]) bin.hits++;
  });
  return sums.map(({ images, confidence: sum, hits }, index) => ({
    low: index / bins,
    high: (index + 1) / bins,
    images,
    confidence: images === 0 ? null : sum / images,
    accuracy: images === 0 ? null : hits / images,
  }));
}

/**
 * Expected calibration error: the mean distance between confidence and accuracy, weighted by the images in the bins; null
 * where there are none.
 */
export function expectedCalibrationError(bins: readonly ReliabilityBin[]): number | null {
  const images = bins.reduce((sum, bin) => sum + bin.images, 0);
  const distances = bins.reduce(
    (sum, { images: own, confidence, accuracy }) => sum + own * Math.abs((confidence ?? 0) - (accuracy ?? 0)),
    0,
  );
  return images === 0 ? null : distances / images;
}
