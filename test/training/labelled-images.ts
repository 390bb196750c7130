import { goesByLabels, type TrainingConfig } from '../../contracts/training.ts';
import { type ResidentImages, residentImages } from '../../training/resident-images.ts';

/** Square grey images of three classes, with two labels each, of which some are empty. */
export function labelledImages(count: number): {
  readonly matrix: { readonly names: readonly string[]; readonly values: Int32Array };
  /** What a training of this config has in memory. */
  readonly data: (config: TrainingConfig, side: number) => ResidentImages;
} {
  const matrix = {
    names: ['colour', 'type'],
    values: Int32Array.from({ length: 2 * count }, (_, at) => (((at * 5) % 7) % 4) - 1),
  };
  const data = (config: TrainingConfig, side: number) =>
    residentImages(
      {
        images: Uint8Array.from({ length: count * side * side }, (_, at) => Math.imul(at + 1, 2654435761) >>> 24),
        labels: Int32Array.from({ length: count }, (_, row) => row % 3),
        count,
        height: side,
        width: side,
        channels: 1,
      },
      goesByLabels(config) ? matrix : null,
    );
  return { matrix, data };
}
