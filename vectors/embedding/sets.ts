import { z } from 'zod';
import { type ArtifactRef, digestSchema } from '../../contracts/artifacts.ts';
import { type VectorsAbout, vectorsAboutSchema } from '../../contracts/vectors.ts';
import {
  artifactFolder,
  jsonBytes,
  listFiles,
  newestRecords,
  readAbout,
  readArtifact,
  readEntry,
  type Store,
  unlessDamaged,
} from '../../store/index.ts';
import type { Shard } from '../shards.ts';

/** Results that are looked at: so many of the newest, of these no more than so many of one folder, table or data set, and the largest. */
const mostNewest = 6;
const mostOfOne = 2;
const mostLargest = 2;

export const embeddedSetSchema = z.strictObject({ vectors: digestSchema, at: z.iso.datetime() });

const folderOf = (place: string) => `${place}/sets`;

const recordPath = (place: string, { digest }: ArtifactRef) => `${folderOf(place)}/${digest}.json`;

/** Says that a result holds embeddings of a place, so that later ones take them over. */
export const recordSet = (store: Store, place: string, ref: ArtifactRef, now: Date): Promise<void> =>
  store.write(
    recordPath(place, ref),
    jsonBytes(embeddedSetSchema.parse({ vectors: ref.digest, at: now.toISOString() })),
  );

/** A result that is still there. */
interface KnownSet {
  readonly ref: ArtifactRef;
  readonly about: VectorsAbout;
}

/**
 * The results of a place that embeddings are taken from, the newest first. Those of a few photos each week do not push out that of
 * a whole catalogue.
 */
export async function setsIn(store: Store, place: string): Promise<readonly KnownSet[]> {
  const records = await newestRecords(store, folderOf(place), {
    schema: embeddedSetSchema,
    what: 'the record of embedded images',
    remedy: 'Remove it: images are then embedded again.',
  });
  const sets: KnownSet[] = [];
  for (const { vectors } of records) {
    const ref = { kind: 'vectors', digest: vectors } as const;
    const about = await unlessDamaged(readAbout(store, ref, vectorsAboutSchema), () => {});
    if (about) sets.push({ ref, about });
  }
  return chosen(sets);
}

/** @param sets the newest first */
function chosen(sets: readonly KnownSet[]): readonly KnownSet[] {
  const largest = sets.toSorted((a, b) => b.about.count - a.about.count).slice(0, mostLargest);
  const ofOne = new Map<string, number>();
  const newest = sets.filter(({ about: { of } }) => {
    const name = 'images' in of ? of.images : of.splits.join();
    const before = ofOne.get(name) ?? 0;
    ofOne.set(name, before + 1);
    return before < mostOfOne;
  });
  const taken = new Set([...newest.slice(0, mostNewest), ...largest]);
  return sets.filter((each) => taken.has(each));
}

/** The shards whose files are all there with their length: of one that held a forgotten image, only the rows are. */
export async function wholeShards(
  store: Store,
  ref: ArtifactRef,
  { shards }: Pick<VectorsAbout, 'shards'>,
): Promise<readonly Shard[]> {
  const { files } = await readArtifact(store, ref);
  const expected = new Map(files.map(({ path, bytes }) => [path, bytes]));
  const folder = artifactFolder(ref);
  const found = new Map((await listFiles(store, folder)).map(({ path, bytes }) => [path, bytes]));
  return shards.filter((shard) =>
    filesOf(shard).every((file) => {
      const bytes = expected.get(file);
      return bytes !== undefined && found.get(`${folder}/${file}`) === bytes;
    }),
  );
}

/**
 * Removes the files of a shard that are not what the manifest says. Nobody can use them, and a result that has them again writes
 * no file that is there.
 */
export async function removeDamaged(store: Store, place: string, ref: ArtifactRef, shard: Shard): Promise<void> {
  const manifest = await unlessDamaged(readArtifact(store, ref), () => {});
  let isDamaged = false;
  for (const entry of manifest?.files ?? [])
    if (filesOf(shard).includes(entry.path) && !(await unlessDamaged(readEntry(store, ref, entry), () => {}))) {
      await store.remove(`${artifactFolder(ref)}/${entry.path}`);
      isDamaged = true;
    }
  // Its files are as they were written, and cannot be used: nothing is taken from this result any more.
  if (!isDamaged) await store.remove(recordPath(place, ref));
}

const filesOf = ({ vectors, rows, pictures }: Shard) => [vectors, rows, ...(pictures === undefined ? [] : [pictures])];
