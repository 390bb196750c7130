import { type ArtifactRef, digestSchema } from '../../contracts/artifacts.ts';
import { listFolders, readArtifact, readArtifactLines, type Store } from '../../store/index.ts';
import { imageOfRowSchema, shardsOfEmbedded } from './embedded.ts';

/**
 * What embedded images and indexes call their images, and the SHA-256 of each; some of them are in no data set. What several artifacts have
 * in one file is read once.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function* embeddedRows(store: Store): AsyncGenerator<{ readonly name: string; readonly source: string }> {
  const seen = new Set<string>();
  for (const kind of ['vectors', 'index'] as const)
    for (const digest of await listFolders(store, `artifacts/${kind}`)) {
      const ref: ArtifactRef = { kind, digest };
      // Without its manifest it is what an interrupted writer or collection has left.
      if (!digestSchema.safeParse(digest).success || !(await store.exists(`artifacts/${kind}/${digest}/manifest.json`)))
        continue;
      const manifest = await readArtifact(store, ref);
      for (const { rows, count } of shardsOfEmbedded(ref, manifest)) {
        const sha256 = manifest.files.find(({ path }) => path === rows)?.sha256 ?? '';
        if (seen.has(sha256)) continue;
        seen.add(sha256);
        for (const line of await readArtifactLines(store, ref, rows, count))
          yield imageOfRowSchema.parse(JSON.parse(line));
        await new Promise(setImmediate);
      }
    }
}
