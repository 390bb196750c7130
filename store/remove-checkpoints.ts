import { rememberedByStore } from './by-store.ts';
import { checkpointFiles, stateOf } from './checkpoint-files.ts';
import { type CheckpointFolder, manifestsIn, placeOf } from './checkpoint-folder.ts';
import { comparePoints } from './checkpoint-names.ts';
import { assertCurrent, type Lease } from './leases.ts';
import { type Keep, superfluous } from './retention.ts';
import { forgetRead, verifies } from './verified.ts';

/** `Checkpoints.retain`: what the rule does not keep goes, but no damaged one (C4), and not the last two that verify (C5). */
export async function retainCheckpoints(at: CheckpointFolder, keep: Keep): Promise<readonly string[]> {
  await sweepHourly(at);
  const present = (await manifestsIn(at, { whole: true })).map(({ name, manifest, pinned }) => ({
    name,
    pinned,
    manifest,
    epoch: manifest.epoch,
    step: manifest.step,
    token: manifest.token,
    loss: manifest.metrics?.loss ?? null,
  }));
  const names = new Set(superfluous(present, keep));
  const candidates = present.filter(({ name }) => names.has(name)).reverse();
  if (candidates.length === 0) return [];

  let valid = 0;
  for (const one of present.toReversed()) if (valid < 2 && !names.has(one.name) && (await verifies(at, one))) valid++;
  const removed: string[] = [];
  for (const one of candidates) {
    // The damaged stay where they are (C4), and as many of the newest as it takes (C5).
    if (!(await verifies(at, one))) continue;
    if (valid < 2) valid++;
    else {
      await remove(at, one.name);
      removed.push(one.name);
    }
  }
  return removed.reverse();
}

/** `Checkpoints.discardAfter` */
export async function discardCheckpoints(
  at: CheckpointFolder,
  lease: Lease,
  epoch: number,
): Promise<readonly string[]> {
  await assertCurrent(lease);
  const removed: string[] = [];
  for (const { name, manifest, pinned } of await manifestsIn(at, { whole: true })) {
    // Whoever took the training over meanwhile knows better how far it goes.
    const isLater = comparePoints(manifest, { epoch, step: 0 }) > 0 && manifest.token <= lease.token;
    if (pinned || !isLater || !(await verifies(at, { name, manifest }))) continue;
    await remove(at, name);
    removed.push(name);
  }
  return removed;
}

/** The manifest first: without it there is no checkpoint, whatever else is left. */
async function remove(at: CheckpointFolder, name: string): Promise<void> {
  for (const file of [checkpointFiles.manifest, checkpointFiles.state])
    await at.store.remove(`${placeOf(at, name)}/${file}`);
  forgetRead(at.store, stateOf(placeOf(at, name)));
}

/** What killed processes left is swept away when it is an hour old: to look more often finds nothing more. */
const sweptEveryMs = 60 * 60 * 1000;
const sweptIn = rememberedByStore<number>();

async function sweepHourly({ store, folder }: CheckpointFolder): Promise<void> {
  const swept = sweptIn(store);
  if (Date.now() - (swept.get(folder) ?? 0) < sweptEveryMs) return;
  await store.sweep(folder);
  swept.set(folder, Date.now());
}
