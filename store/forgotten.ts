import { type Forgotten, forgottenSchema } from '../contracts/forgotten.ts';
import { jsonBytes } from './digest.ts';
import { listFiles, readJson } from './reading.ts';
import type { Store } from './store.ts';

/** Images that were forgotten: one file each, named by the digest of what the image was read from. */
const folder = 'forgotten';

/** Records that an image is to be forgotten; one that is known already is replaced. */
export async function saveForgotten(store: Store, forgotten: Forgotten): Promise<void> {
  await store.write(`${folder}/${forgotten.sources[0]}.json`, jsonBytes(forgottenSchema.parse(forgotten)));
}

/**
 * Every image that was forgotten.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable: what cannot be read may be an image that must not be used
 */
export async function loadForgotten(store: Store): Promise<readonly Forgotten[]> {
  const files = await listFiles(store, folder);
  const found = await Promise.all(
    files.map(({ path }) =>
      readJson(store, path, {
        schema: forgottenSchema,
        what: 'the record of an image that was forgotten',
        remedy: 'Restore it from a copy; without it the image may be used again.',
      }),
    ),
  );
  return found.filter((each) => each !== null);
}
