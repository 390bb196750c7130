import { indexAgain } from '../contracts/index-again.ts';
import { loadVersions, type Store } from '../store/index.ts';
import { say } from './output.ts';

/** Says of a version that was just made current that servers wait for its index, where the one before it had one. */
export async function tellWithoutIndex(store: Store, model: string, version: number | null): Promise<void> {
  const versions = await loadVersions(store, model);
  const [now, before] = [version, (version ?? 0) - 1].map((number) => versions.find((each) => each.version === number));
  if (!now || now.index || !before?.index) return;
  say(
    `Version ${now.version} has no index, and version ${before.version} had one: servers that run serve version ${before.version} until there is one. To give it one, ${indexAgain(model)}.`,
  );
}
