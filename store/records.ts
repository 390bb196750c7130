import { type Expected, readJson, unlessDamaged } from './reading.ts';
import type { Store } from './store.ts';

/** The records of a folder, the newest first. Damaged ones are passed over. */
export async function newestRecords<T extends { readonly at: string }>(
  store: Store,
  folder: string,
  expected: Expected<T>,
): Promise<T[]> {
  const records = await Promise.all(
    (await store.list(folder)).map(({ path }) => unlessDamaged(readJson(store, path, expected), () => {})),
  );
  return records.filter((each) => each !== null).sort((a, b) => (a.at < b.at ? 1 : -1));
}
