import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { Drift } from '../../contracts/drift.ts';
import { readArtifactFile, type Store } from '../../store/index.ts';

/** The pictures of a drift artifact, in base64, by their files. @throws ContrailError CorruptArtifact */
export async function picturesOf(store: Store, ref: ArtifactRef, { news }: Drift): Promise<Record<string, string>> {
  const pictures: Record<string, string> = {};
  for (const { images, known } of news?.clusters ?? [])
    for (const { picture } of [...images, known])
      if (picture !== undefined)
        pictures[picture] = Buffer.from(await readArtifactFile(store, ref, picture)).toString('base64');
  return pictures;
}
