import { z } from 'zod';
import { type ArtifactRef, digestSchema } from '../../contracts/artifacts.ts';
import { type VectorsAbout, vectorsAboutSchema } from '../../contracts/vectors.ts';
import { jsonBytes, readAbout, readJson, type Store, unlessDamaged } from '../../store/index.ts';

/** Results that are looked at, the newest first. */
const mostSets = 3;

const recordSchema = z.strictObject({ vectors: digestSchema, at: z.iso.datetime() });

const folderOf = (place: string) => `${place}/sets`;

/** Says that a result holds embeddings of a place, so that later ones take them over. */
export const recordSet = (store: Store, place: string, { digest }: ArtifactRef, now: Date): Promise<void> =>
  store.write(
    `${folderOf(place)}/${digest}.json`,
    jsonBytes(recordSchema.parse({ vectors: digest, at: now.toISOString() })),
  );

/** The newest results of a place that are still there. */
export async function setsIn(
  store: Store,
  place: string,
): Promise<readonly { readonly ref: ArtifactRef; readonly about: VectorsAbout }[]> {
  const form = {
    schema: recordSchema,
    what: 'the record of embedded images',
    remedy: 'Remove it: images are then embedded again.',
  };
  const records = await Promise.all(
    (await store.list(folderOf(place))).map(({ path }) => unlessDamaged(readJson(store, path, form), () => {})),
  );
  const newest = records
    .filter((each) => each !== null)
    .sort((a, b) => (a.at < b.at ? 1 : -1))
    .slice(0, mostSets);
  const sets = [];
  for (const { vectors } of newest) {
    const ref = { kind: 'vectors', digest: vectors } as const;
    const about = await unlessDamaged(readAbout(store, ref, vectorsAboutSchema), () => {});
    if (about) sets.push({ ref, about });
  }
  return sets;
}
