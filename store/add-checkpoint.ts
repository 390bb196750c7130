import { type CheckpointManifest, checkpointManifestSchema, type GivenUpCheckpoint } from '../contracts/checkpoints.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { canonicalJson } from '../contracts/json.ts';
import { checkpointFiles, readCheckpoint, stateOf } from './checkpoint-files.ts';
import { type CheckpointFolder, checkpointFolder, foundIn, placeOf } from './checkpoint-folder.ts';
import { checkpointName } from './checkpoint-names.ts';
import type { NewCheckpoint } from './checkpoints.ts';
import { digestOf, digestOfJson, jsonBytes } from './digest.ts';
import { acquireLease, assertCurrent, type Lease } from './leases.ts';
import { encodeSafetensors } from './safetensors.ts';
import type { Store } from './store.ts';
import { rememberRead } from './verified.ts';

/** `Checkpoints.commit`: state first, read back and compared; manifest last, unless it was given up (C1, C3). */
export async function commitCheckpoint(
  at: CheckpointFolder,
  lease: Lease,
  { epoch, step, config, metrics, best, tensors, metadata }: NewCheckpoint,
): Promise<CheckpointManifest> {
  const { store } = at;
  await assertCurrent(lease);
  const configHash = digestOfJson(config);
  const point = { epoch: String(epoch), step: String(step), configHash, best: canonicalJson(best) };
  const pieces = encodeSafetensors(tensors, { ...metadata, ...point });
  const { sha256: digest, bytes } = digestOf(pieces);
  const manifest = checkpointManifestSchema.parse({
    format: 'contrail-checkpoint/1',
    epoch,
    step,
    digest,
    configHash,
    config,
    token: lease.token,
    state: { path: checkpointFiles.state, bytes, sha256: digest },
    metrics,
    best,
    createdAt: new Date().toISOString(),
  });
  const own = placeOf(at, checkpointName(manifest));
  const state = stateOf(own);
  await store.write(state, pieces);
  const writtenAs = await store.writtenAs(state);
  try {
    if (digestOf(await store.read(state)).sha256 !== digest)
      throw new ContrailError(
        'CorruptCheckpoint',
        `${store.locate(state)} reads back other bytes than were written. The disk may be failing.`,
      );
    await assertCurrent(lease);
  } catch (error) {
    // A checkpoint that was already committed under this name stays, whole or reported as damaged.
    if (!(await store.exists(`${own}/${checkpointFiles.manifest}`))) await store.remove(state);
    throw error;
  }
  await finish(at, lease, own, manifest);
  rememberRead(store, state, { writtenAs, digest });
  return manifest;
}

/** `Checkpoints.adopt`: the bytes of another training's checkpoint, under a token of this one's. */
export async function adoptCheckpoint(
  at: CheckpointFolder,
  lease: Lease,
  from: CheckpointFolder,
  name: string,
): Promise<CheckpointManifest> {
  const { store } = at;
  await assertCurrent(lease);
  const origin = placeOf(from, name);
  const { manifest: found } = await readCheckpoint(store, origin);
  const manifest = { ...found, token: lease.token };
  const own = placeOf(at, checkpointName(manifest));
  await store.write(`${own}/${checkpointFiles.state}`, await store.read(`${origin}/${checkpointFiles.state}`));
  await assertCurrent(lease);
  await finish(at, lease, own, manifest);
  await readCheckpoint(store, own);
  return manifest;
}

/** Writes the manifest of a checkpoint, unless whoever has the lease by now gave it up before. */
async function finish({ store }: CheckpointFolder, lease: Lease, own: string, manifest: CheckpointManifest) {
  const path = `${own}/${checkpointFiles.manifest}`;
  if (await store.writeExclusive(path, jsonBytes(manifest))) return;
  try {
    await assertCurrent(lease);
  } catch (error) {
    await store.remove(stateOf(own));
    throw error;
  }
  // This process has committed the point before.
  await store.write(path, jsonBytes(manifest));
}

/**
 * Takes the lease of a training, and gives up what those who had it have not finished: a commit that has passed its last look at the
 * lease finds its place taken. Of the two writes of a manifest's name, one succeeds.
 */
export async function takeTraining(store: Store, key: StepKey, owner: string): Promise<Lease> {
  const lease = await acquireLease(store, key, owner);
  const at = checkpointFolder(store, key);
  for (const { name, parsed, sizes } of await foundIn(at)) {
    if (parsed.token >= lease.token || sizes.has(checkpointFiles.manifest)) continue;
    const givenUp: GivenUpCheckpoint = { format: 'contrail-checkpoint-given-up/1', owner, token: lease.token };
    await store.writeExclusive(`${placeOf(at, name)}/${checkpointFiles.manifest}`, jsonBytes(givenUp));
  }
  return lease;
}
