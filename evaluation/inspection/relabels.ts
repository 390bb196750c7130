import { csvOf } from '../../contracts/spreadsheet.ts';

/** Which way a label was found to be suspect; both is the strongest evidence. */
export type FoundBy = 'both' | 'classifiers' | 'checkpoints';

/** A row of `relabels.csv`, for a person to edit. */
export interface Relabel {
  readonly image: string;
  readonly label: string;
  readonly suggested: string;
  readonly confidence: number;
  readonly note: string;
  /** Absent where there is one way only. */
  readonly found?: FoundBy;
}

/**
 * Suspected labels as CSV. `label` is what each image has now: a person writes another there, or removes
 * the row. There is a column `found` where rows say which way they were found.
 */
export function relabelsCsv(rows: readonly Relabel[], { ways = false }: { readonly ways?: boolean } = {}): Uint8Array {
  const text = csvOf(
    ['image', 'label', 'suggested', 'confidence', 'note', ...(ways ? ['found'] : [])],
    rows.map(({ image, label, suggested, confidence, note, found = '' }) => [
      image,
      label,
      suggested,
      confidence.toFixed(3),
      note,
      ...(ways ? [found] : []),
    ]),
  );
  return new TextEncoder().encode(text);
}
