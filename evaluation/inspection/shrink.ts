/** The form of an image: bytes [height, width, channels]. */
export interface ImageForm {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** What a cell of a line is made of: places of the line, and the share of each. */
type Cell = readonly (readonly [place: number, share: number])[];

/** Divides a line of `length` places into `cells` of one length, which may be less than one place. */
function cellsOf(length: number, cells: number): readonly Cell[] {
  const size = length / cells;
  return Array.from({ length: cells }, (_, cell) => {
    const [from, to] = [cell * size, (cell + 1) * size];
    const shares: [number, number][] = [];
    for (let place = Math.floor(from); place < Math.min(length, Math.ceil(to)); place++) {
      const covered = Math.min(to, place + 1) - Math.max(from, place);
      if (covered > 1e-9) shares.push([place, covered / size]);
    }
    return shares;
  });
}

/**
 * Brings images of one form to a square by the mean of what each of its cells covers.
 *
 * @returns a function of an image [height, width, channels] to [side, side, channels]; its result is overwritten by its next call
 */
export function shrinker({ height, width, channels }: ImageForm, side: number) {
  const [rows, columns] = [cellsOf(height, side), cellsOf(width, side)];
  const narrow = new Float32Array(height * side * channels);
  const small = new Float32Array(side * side * channels);
  return (image: ArrayLike<number>): Float32Array => {
    if (height === side && width === side) {
      small.set(image);
      return small;
    }
    mix(image, narrow, { lines: height, cells: columns, step: channels, line: width * channels });
    for (let cell = 0; cell < side; cell++) {
      const target = small.subarray(cell * side * channels, (cell + 1) * side * channels).fill(0);
      for (const [row, share] of rows[cell] as Cell)
        for (let at = 0; at < target.length; at++)
          target[at] = (target[at] as number) + share * (narrow[row * side * channels + at] as number);
    }
    return small;
  };
}

/** Mixes the places of each line into cells; `step` values stand at each place. */
function mix(
  source: ArrayLike<number>,
  target: Float32Array,
  {
    lines,
    cells,
    step,
    line,
  }: { readonly lines: number; readonly cells: readonly Cell[]; readonly step: number; readonly line: number },
): void {
  let at = 0;
  for (let row = 0; row < lines; row++)
    for (const cell of cells)
      for (let channel = 0; channel < step; channel++) {
        let sum = 0;
        for (const [place, share] of cell) sum += share * (source[row * line + place * step + channel] as number);
        target[at++] = sum;
      }
}
