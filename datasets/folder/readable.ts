import { times } from '../../contracts/counted.ts';
import { someOf } from '../../contracts/some-of.ts';
import { visible } from '../../contracts/visible-text.ts';
import type { Form } from '../form.ts';
import { digestBytes } from '../row-digests.ts';
import type { RowFacts } from '../row-facts.ts';
import type { RawSplit } from '../source.ts';
import { decodeFile } from './decode.ts';
import type { Inspected } from './inspect.ts';

/** An image file that has been looked at, and what is known of it. */
export interface ReadableImage extends Inspected {
  /** What to call it. */
  readonly path: string;
  /** Where the file is. */
  readonly at: string;
  readonly bytes: number;
  readonly label: number;
  readonly facts: Omit<RowFacts, 'name'>;
}

/** Images in files, as a split whose rows are read when they are wanted. */
export function readable(images: readonly ReadableImage[], form: Form): RawSplit {
  const digests = new Uint8Array(images.length * digestBytes);
  for (const [row, { digest }] of images.entries()) digests.set(digest, row * digestBytes);
  const imageOf = (row: number) => {
    const image = images[row];
    if (!image) throw new RangeError(`there is no image ${row}`);
    return image;
  };
  return {
    count: images.length,
    labels: Int32Array.from(images, ({ label }) => label),
    digests,
    nameOf: (row) => images[row]?.path ?? '',
    factsOf: (row) => imageOf(row).facts,
    read: async (row) => {
      const image = imageOf(row);
      return decodeFile(image.at, image.label, image, form);
    },
  };
}

/** A warning for files with several frames or pages; none where there are none. */
export function severalPictures(images: readonly { readonly path: string; readonly pages: number }[]): string[] {
  const multiple = images.filter(({ pages }) => pages > 1).map(({ path }) => visible(path));
  return multiple.length === 0
    ? []
    : [
        `${times(multiple.length, 'file')} ${multiple.length === 1 ? 'holds' : 'hold'} several pictures, of which the first is used: ${someOf(multiple, 3)}.`,
      ];
}
