import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readArtifact, readArtifactFile } from '../../store/index.ts';
import type { Embeddings } from './output.ts';

/** The file that says what the others are. */
const aboutFile = 'about.json';

/**
 * Copies the files of embeddings into a folder: safetensors of the vectors and of the pictures, JSON lines of the rows and of what
 * was rejected, and `about.json`. Each is checked against its digest.
 *
 * @returns the names of the files
 */
export async function writeFolder(
  folder: string,
  { store, ref, about, shards, onProgress }: Embeddings,
): Promise<string[]> {
  const { files } = await readArtifact(store, ref);
  let done = 0;
  for (const { path } of files) {
    await writeFile(join(folder, path), await readArtifactFile(store, ref, path), { flush: true });
    const shard = shards.find(({ vectors }) => vectors === path);
    done += shard?.count ?? 0;
    if (shard) onProgress(done);
  }
  await writeFile(join(folder, aboutFile), `${JSON.stringify({ ...about, shards }, null, 2)}\n`, { flush: true });
  return [...files.map(({ path }) => path), aboutFile];
}
