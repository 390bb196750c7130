/** A row of `relabels.csv`, for a person to edit. */
export interface Relabel {
  readonly image: string;
  readonly label: string;
  readonly suggested: string;
  readonly confidence: number;
  readonly note: string;
}

const quoted = (text: string): string => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * Suspected labels as CSV (RFC 4180, lines end in \n). `label` is what each image has now: a person writes another there, or removes
 * the row.
 */
export function relabelsCsv(rows: readonly Relabel[]): Uint8Array {
  const lines = rows.map(({ image, label, suggested, confidence, note }) =>
    [image, label, suggested, confidence.toFixed(3), note].map(quoted).join(','),
  );
  return new TextEncoder().encode(`${['image,label,suggested,confidence,note', ...lines].join('\n')}\n`);
}
