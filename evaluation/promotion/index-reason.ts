import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { count, times } from '../../contracts/counted.ts';
import { indexAboutSchema } from '../../contracts/vector-index.ts';
import { readAbout, type Store, unlessDamaged } from '../../store/index.ts';
import { eachRow } from '../../vectors/index.ts';

/**
 * What another index means for a model, for the reason of its version: `another index of 450 images; 12 of the 460 that it had are not
 * in it`. An index that was built anew has none of the images that were added to the old one by hand.
 *
 * @param before the index that it takes the place of; absent where there was none
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function indexReason(store: Store, index: ArtifactRef, before: ArtifactRef | undefined): Promise<string> {
  const names = await namesIn(store, index);
  if (!before) return `an index of ${times(names.size, 'image')}`;
  const text = `another index of ${times(names.size, 'image')}`;
  // An old index that is damaged may be why there is a new one.
  const old = await unlessDamaged(namesIn(store, before), () => {});
  if (old === null) return `${text}; the one before cannot be read, so nobody knows which of its images are not in it`;
  let gone = 0;
  for (const name of old) if (!names.has(name)) gone++;
  return gone === 0 ? text : `${text}; ${count(gone)} of the ${count(old.size)} that it had are not in it`;
}

async function namesIn(store: Store, ref: ArtifactRef): Promise<ReadonlySet<string>> {
  const { shards } = await readAbout(store, ref, indexAboutSchema);
  const names = new Set<string>();
  for await (const { row } of eachRow(store, { ref, shards })) names.add(row.name);
  return names;
}
