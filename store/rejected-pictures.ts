import { listOfPictures, rejectedPicturesFile } from '../contracts/file-list.ts';
import { type RejectedPicture, rejectedPicturesSchema } from '../contracts/rejected-pictures.ts';
import { jsonBytes } from './digest.ts';
import { listFiles, readJson } from './reading.ts';
import { reportFolder } from './run-files.ts';
import type { Store } from './store.ts';

/** Keeps small pictures of rejected files beside the list of the files. */
export const saveRejectedPictures = (store: Store, list: string, pictures: readonly RejectedPicture[]): Promise<void> =>
  store.write(
    rejectedPicturesFile(list),
    jsonBytes(rejectedPicturesSchema.parse({ format: 'contrail-rejected/1', pictures })),
  );

/** The pictures beside a list; none where none were kept. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function loadRejectedPictures(store: Store, list: string): Promise<readonly RejectedPicture[]> {
  const kept = await readJson(store, rejectedPicturesFile(list), {
    schema: rejectedPicturesSchema,
    what: 'pictures of rejected files',
    remedy: 'Remove it: only reports show them.',
  });
  return kept?.pictures ?? [];
}

/** The lists of a run's steps beside which such pictures are. @throws ContrailError StoreUnreadable */
export const listsWithPictures = async (store: Store, run: string): Promise<readonly string[]> =>
  (await listFiles(store, reportFolder(run))).flatMap(({ path }) => listOfPictures(path) ?? []);
