import { join } from 'node:path';
import { openHome } from '../home/home.ts';
import { openStore, type Store } from '../store/index.ts';
import { inTurns } from './in-turns.ts';

/**
 * A folder of the store as a folder of this machine, for programs that read files: itself where the store is one, else a copy in the
 * home, in which event files that have the same size are not fetched again.
 */
export async function localCopy(store: Store, folder: string): Promise<string> {
  if (store.url.startsWith('file:')) return store.locate(folder);
  const { cacheFolder } = openHome();
  const copies = openStore(join(cacheFolder, 'copies'));
  const present = new Map((await copies.list(folder)).map(({ path, bytes }) => [path, bytes]));
  const files = await store.list(folder);
  await inTurns(files, async ({ path, bytes }) => {
    if (present.get(path) !== bytes || !path.includes('.tfevents.')) await copies.write(path, await store.read(path));
  });
  return copies.locate(folder);
}
