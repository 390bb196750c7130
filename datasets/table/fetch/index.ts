import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ContrailError } from '../../../contracts/errors.ts';
import { hasCode } from '../../../contracts/system-errors.ts';
import { visible } from '../../../contracts/visible-text.ts';
import { inOrder } from '../../in-order.ts';
import type { PreparationOptions } from '../../source.ts';
import { fetchImage } from './fetch-image.ts';
import type { FetchFailure } from './not-fetched.ts';
import { publicRequest } from './public-request.ts';
import { type KeptFile, openUrlCache } from './url-cache.ts';

/** Where fetched images are, in the folder of what is fetched. */
const folderName = 'urls';

/**
 * Fetches images, several at a time, each once: what an earlier preparation fetched is not asked for again.
 *
 * @returns for each URL the file, or why there is none, in their order
 */
export async function fetchImages(
  urls: readonly string[],
  { cacheFolder, signal, onProgress }: Pick<PreparationOptions, 'cacheFolder' | 'signal' | 'onProgress'>,
): Promise<readonly (KeptFile | FetchFailure)[]> {
  const cache = openUrlCache(join(cacheFolder, folderName));
  const results: (KeptFile | FetchFailure)[] = [];
  for await (const outcome of inOrder(urls, (url) => fetchImage(url, cache, { signal }), signal)) {
    results.push(outcome);
    if (results.length % 100 === 0 || results.length === urls.length)
      onProgress?.({ phase: 'fetching images', done: results.length, total: urls.length });
  }
  return results;
}

/**
 * Fetches an image that somebody named, from the public internet alone.
 *
 * @param folder where it is kept under its URL
 * @returns its file, or why there is none
 */
export const fetchPublicImage = (url: string, folder: string, signal?: AbortSignal): Promise<KeptFile | FetchFailure> =>
  fetchImage(url, openUrlCache(folder), { signal, request: publicRequest() });

/**
 * Refuses to go on without images that could be fetched another time, where more would be missing than may be.
 *
 * @param failed.passing those that may be fetched another time, the first of them first
 * @param failed.rejected all that cannot be used
 * @throws ContrailError ConnectionFailed, so that the step is tried again; what was fetched is kept
 */
export function requireFetched({
  passing,
  rejected,
  maximumRejected,
}: {
  readonly passing: readonly { readonly place: string; readonly path: string; readonly reason: string }[];
  readonly rejected: number;
  readonly maximumRejected: number;
}): void {
  const [first] = passing;
  if (!first || rejected <= maximumRejected) return;
  throw new ContrailError(
    'ConnectionFailed',
    `${passing.length === 1 ? 'One image' : `${passing.length} images`} could not be fetched now, first ${first.place} ${visible(first.path)}: ${first.reason}. What was fetched is kept. To go on without them, raise maximumRejected.`,
  );
}

/** Removes what was fetched, by the SHA-256 of the content: an image that is forgotten is kept nowhere. */
export async function removeFetched(cacheFolder: string, digests: readonly string[]): Promise<void> {
  const folder = join(cacheFolder, folderName);
  const names = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  });
  for (const name of names)
    if (digests.includes(name.split('.').at(-1) ?? '')) await rm(join(folder, name), { force: true });
}
