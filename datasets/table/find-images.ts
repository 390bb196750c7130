import { inOrder } from '../in-order.ts';
import type { PreparationOptions } from '../source.ts';
import { fetchImages } from './fetch/index.ts';
import type { ImageSource } from './image-cell.ts';
import { type LocatedFile, locate } from './locate.ts';

/** An image of a table. `name`: its path from the folder, or what to call its URL. */
interface NamedImage {
  readonly name: string;
  readonly source: ImageSource;
}

/** Why an image is not there. `passing`: another time it may be. */
export interface NotFound {
  readonly reason: string;
  readonly passing?: boolean;
}

/**
 * Finds the images of a table: files below its folder, and URLs, which are fetched.
 *
 * @param root the folder of the table
 * @returns for each image its file, or why there is none, in their order
 */
export async function findImages(
  root: string,
  images: readonly NamedImage[],
  options: PreparationOptions,
): Promise<readonly (LocatedFile | NotFound)[]> {
  const urls = images.flatMap(({ source }) => (source.is === 'url' ? [source.url] : []));
  const outcomes = await fetchImages(urls, options);
  const fetched = new Map(urls.map((url, at) => [url, outcomes[at]]));
  const find = async ({ name, source }: NamedImage): Promise<LocatedFile | NotFound> => {
    if (source.is === 'file') return locate(root, name);
    const kept = fetched.get(source.url) ?? { reason: 'was not fetched' };
    return 'reason' in kept ? kept : { path: name, at: kept.path, bytes: kept.bytes, modified: 0 };
  };
  const found: (LocatedFile | NotFound)[] = [];
  for await (const each of inOrder(images, find, options.signal)) found.push(each);
  return found;
}
