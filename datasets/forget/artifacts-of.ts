import { type ArtifactKind, type ArtifactManifest, type ArtifactRef, digestSchema } from '../../contracts/artifacts.ts';
import { artifactFolder, listFolders, readArtifact, type Store } from '../../store/index.ts';

/** An artifact of a store, and what it says of itself. */
export interface KnownArtifact {
  readonly ref: ArtifactRef;
  readonly manifest: ArtifactManifest;
}

/** The artifacts of some kinds that a store has, kind by kind. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function* artifactsOf(store: Store, kinds: readonly ArtifactKind[]): AsyncGenerator<KnownArtifact> {
  for (const kind of kinds)
    for (const digest of await listFolders(store, `artifacts/${kind}`)) {
      if (!digestSchema.safeParse(digest).success) continue;
      const ref = { kind, digest };
      // Without its manifest it is what an interrupted writer or collection has left.
      if (await store.exists(`${artifactFolder(ref)}/manifest.json`))
        yield { ref, manifest: await readArtifact(store, ref) };
    }
}
