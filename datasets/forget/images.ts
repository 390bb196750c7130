import { forgottenReason } from '../../contracts/forgotten.ts';
import { loadForgotten, type Store } from '../../store/index.ts';

/** Why an image may not be used, by the SHA-256 of its source; null where it may. */
export type ForgottenImages = (source: Uint8Array) => string | null;

/** The images that a store was told to forget. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function forgottenImages(store: Store): Promise<ForgottenImages> {
  const known = new Map<string, string>();
  for (const { sources, at } of await loadForgotten(store))
    for (const source of sources) known.set(source, forgottenReason(at));
  return (source) => (known.size === 0 ? null : (known.get(Buffer.from(source).toString('hex')) ?? null));
}

/** SHA-256, in hexadecimal, of the sources of these images. @throws ContrailError CorruptArtifact, StoreUnreadable */
export const forgottenSources = async (store: Store): Promise<readonly string[]> =>
  (await loadForgotten(store)).flatMap(({ sources }) => sources);
