import { rename, writeFile } from 'node:fs/promises';

/** Writes a file beside its place and moves it there, so that no half of one is ever taken for it. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.part`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}
