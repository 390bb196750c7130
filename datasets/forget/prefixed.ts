import type { SplitName } from '../../contracts/artifacts.ts';
import {
  datasetAboutOf,
  listFolders,
  listsWithPictures,
  loadForgotten,
  loadRejectedPictures,
  type Store,
} from '../../store/index.ts';
import { readRowDigests } from '../row-digests.ts';
import { readRowFacts } from '../row-facts.ts';
import { artifactsOf } from './artifacts-of.ts';
import { embeddedRows } from './embedded-rows.ts';

/** Whether a text may be the beginning of a SHA-256 in hexadecimal that names one image for a person. */
export const isDigestPrefix = (text: string): boolean => /^[0-9a-f]{8,63}$/.test(text);

/**
 * The images of a store whose SHA-256 begins so: of data sets, of embedded images and indexes, of steps that handed on files,
 * rejected ones of which there is a picture, and such as were forgotten.
 *
 * @returns by digest what the image is called; null where nothing tells
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function imagesBeginning(store: Store, prefix: string): Promise<ReadonlyMap<string, string | null>> {
  const found = new Map<string, string | null>();
  const add = (digest: string, name: string | null) => {
    if (digest.startsWith(prefix)) found.set(digest, found.get(digest) ?? name);
  };
  for await (const { ref, manifest } of artifactsOf(store, ['dataset'])) {
    const { splits } = datasetAboutOf(manifest, ref);
    for (const split of Object.keys(splits) as SplitName[]) {
      const { source = [] } = (await readRowDigests(store, ref, split)) ?? {};
      if (!source.some((digest) => digest.startsWith(prefix))) continue;
      const facts = await readRowFacts(store, ref, split);
      for (const [row, digest] of source.entries()) add(digest, facts?.[row]?.name ?? null);
    }
  }
  for await (const { name, source } of embeddedRows(store)) add(source, name);
  for await (const { manifest } of artifactsOf(store, ['files']))
    for (const { sha256 } of manifest.files) add(sha256, null);
  for (const run of await listFolders(store, 'runs'))
    for (const list of await listsWithPictures(store, run))
      for (const { source, path } of await loadRejectedPictures(store, list)) add(source, path);
  for (const { image, sources } of await loadForgotten(store)) for (const source of sources) add(source, image);
  return found;
}
