import { csvOf } from '../../contracts/spreadsheet.ts';

/** A row of `relabels.csv`, for a person to edit. */
export interface Relabel {
  readonly image: string;
  readonly label: string;
  readonly suggested: string;
  readonly confidence: number;
  readonly note: string;
}

/**
 * Suspected labels as CSV. `label` is what each image has now: a person writes another there, or removes
 * the row.
 */
export function relabelsCsv(rows: readonly Relabel[]): Uint8Array {
  const text = csvOf(
    ['image', 'label', 'suggested', 'confidence', 'note'],
    rows.map(({ image, label, suggested, confidence, note }) => [image, label, suggested, confidence.toFixed(3), note]),
  );
  return new TextEncoder().encode(text);
}
