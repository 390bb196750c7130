/** A mean over images that are known to be there, since a data set without any was refused before. */
export function measured(value: number | null | undefined): number {
  if (value === null || value === undefined) throw new Error('what is measured has images');
  return value;
}
