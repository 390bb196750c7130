import { readArtifactLines, type Store } from '../../store/index.ts';
import { artifactsOf } from './artifacts-of.ts';
import { aboutOfEmbedded, imageOfRowSchema } from './embedded.ts';

/**
 * What embedded images and indexes call their images, and the SHA-256 of each; some of them are in no data set. What several artifacts have
 * in one file is read once.
 *
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function* embeddedRows(store: Store): AsyncGenerator<{ readonly name: string; readonly source: string }> {
  const seen = new Set<string>();
  for await (const { ref, manifest } of artifactsOf(store, ['vectors', 'index']))
    for (const { rows, count } of aboutOfEmbedded(ref, manifest).shards) {
      const sha256 = manifest.files.find(({ path }) => path === rows)?.sha256 ?? '';
      if (seen.has(sha256)) continue;
      seen.add(sha256);
      for (const line of await readArtifactLines(store, ref, rows, count))
        yield imageOfRowSchema.parse(JSON.parse(line));
      await new Promise(setImmediate);
    }
}
