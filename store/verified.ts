import { rememberedByStore } from './by-store.ts';
import { readCheckpoint, stateOf } from './checkpoint-files.ts';
import { type CheckpointFolder, placeOf, unlessUnusable } from './checkpoint-folder.ts';
import type { NamedManifest } from './checkpoints.ts';
import type { Store } from './store.ts';

/**
 * Which states of checkpoints this process has read whole.
 *
 * V1. A state counts as whole without being read again only where the store says that the very file that was read lies there still,
 * and the manifest names the digest that was found. A store that cannot say so is read each time.
 */
const readIn = rememberedByStore<string>();

const foundAs = (writtenAs: string, digest: string) => `${writtenAs} ${digest}`;

/** Says that a state was read and has this digest. @param writtenAs what the store said of it before that */
export function rememberRead(
  store: Store,
  state: string,
  { writtenAs, digest }: { readonly writtenAs: string | null; readonly digest: string },
): void {
  if (writtenAs !== null) readIn(store).set(state, foundAs(writtenAs, digest));
}

export const forgetRead = (store: Store, state: string): void => {
  readIn(store).delete(state);
};

/** Whether a checkpoint of which the manifest was read is whole. @throws what is no fault of the checkpoint's */
export async function verifies(
  at: CheckpointFolder,
  { name, manifest: { digest } }: Pick<NamedManifest, 'name' | 'manifest'>,
): Promise<boolean> {
  const { store } = at;
  const place = placeOf(at, name);
  const writtenAs = await store.writtenAs(stateOf(place));
  if (writtenAs !== null && readIn(store).get(stateOf(place)) === foundAs(writtenAs, digest)) return true;
  const isWhole = await readCheckpoint(store, place).then(({ manifest }) => manifest.digest === digest, unlessUnusable);
  if (isWhole) rememberRead(store, stateOf(place), { writtenAs, digest });
  return isWhole;
}
