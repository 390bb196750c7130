import { type ArtifactRef, artifactRefSchema } from '../contracts/artifacts.ts';
import { indexAboutSchema } from '../contracts/vector-index.ts';
import { readAbout, type Store } from '../store/index.ts';

/**
 * The last index among the results of steps that was made with an encoder; null where there is none.
 *
 * @param results in the order of the plan
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function indexMadeWith(
  store: Store,
  encoder: ArtifactRef,
  results: readonly Readonly<Record<string, unknown>>[],
): Promise<ArtifactRef | null> {
  for (const { index } of results.toReversed()) {
    const found = artifactRefSchema.safeParse(index);
    if (!found.success || found.data.kind !== 'index') continue;
    const about = await readAbout(store, found.data, indexAboutSchema);
    if (about.encoder.digest === encoder.digest) return found.data;
  }
  return null;
}
