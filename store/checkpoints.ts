import {
  type CheckpointManifest,
  checkpointManifestSchema,
  type EpochMetrics,
  type ProgressPoint,
  type RejectedCheckpoint,
} from '../contracts/checkpoints.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { canonicalJson, type Json } from '../contracts/json.ts';
import { hasCode } from '../contracts/system-errors.ts';
import { checkpointFiles, readCheckpoint, readCheckpointManifest } from './checkpoint-files.ts';
import {
  type CheckpointName,
  checkpointName,
  compareCheckpoints,
  comparePoints,
  parseCheckpointName,
} from './checkpoint-names.ts';
import { digestOf, digestOfJson, jsonBytes } from './digest.ts';
import { assertCurrent, type Lease } from './leases.ts';
import { listFiles } from './reading.ts';
import { type Keep, superfluous } from './retention.ts';
import { encodeSafetensors, type StoredTensor } from './safetensors.ts';
import type { Store } from './store.ts';

/**
 * The checkpoints of one training.
 *
 * Owns: `runs/<run>/steps/<step>/checkpoints/<name>/{state.safetensors,manifest.json,pinned}`.
 * Does not own: who may train (leases), or what the state means (training).
 *
 * C1. A checkpoint with a manifest is whole: the state is written, read back and compared first, the manifest last.
 * C2. The SHA-256 of the state file is the digest of the whole training state: nothing about time, run or process is in it.
 * C3. A commit under a lease that was taken over fails and leaves nothing that a reader would see.
 * C4. A damaged checkpoint is reported and skipped, never used and never removed. One that the disk cannot read (EIO) is
 * skipped as long as another can be read; where none can, or one cannot be read for another reason, that is an error: what
 * is there must not be trained anew.
 * C5. Retention leaves at least two checkpoints that verify, where there were two.
 */
export interface Checkpoints {
  /**
   * Writes a checkpoint. Durable and verified when it returns.
   *
   * @throws ContrailError StaleLease when another process has taken the lease
   * @throws ContrailError CorruptCheckpoint when the store reads back other bytes than were written
   */
  readonly commit: (lease: Lease, checkpoint: NewCheckpoint) => Promise<CheckpointManifest>;
  /** Checkpoints with a sound manifest, the oldest first; their states are not checked. */
  readonly list: () => Promise<readonly NamedManifest[]>;
  /** The names of all, damaged ones too, the oldest first. */
  readonly names: () => Promise<readonly string[]>;
  /**
   * The newest checkpoint, not past a point, whose state verifies; with the newer ones that were skipped, and why.
   *
   * @param options.wholeEpochs passes over the checkpoints within an epoch
   * @param options.belongs passes over those for which it says no; what it throws is thrown
   * @throws ContrailError StoreUnreadable
   */
  readonly newestValid: (options?: {
    readonly upTo?: ProgressPoint;
    readonly wholeEpochs?: boolean;
    readonly belongs?: (manifest: CheckpointManifest) => boolean;
  }) => Promise<{
    readonly newest: LoadedCheckpoint | null;
    readonly rejected: readonly RejectedCheckpoint[];
  }>;
  /** @throws ContrailError CorruptCheckpoint that says what is wrong with it */
  readonly load: (name: string) => Promise<LoadedCheckpoint>;
  /** Checks a checkpoint as `load` does. @throws ContrailError CorruptCheckpoint */
  readonly verify: (name: string) => Promise<CheckpointManifest>;
  /** Removes what the retention rule does not keep, and what killed processes left half-written; returns the names. */
  readonly retain: (keep: Keep) => Promise<readonly string[]>;
  /** Removes what lies past the end of an epoch, but for the pinned and the damaged; returns the names. */
  readonly discardAfter: (lease: Lease, epoch: number) => Promise<readonly string[]>;
  /**
   * Takes over a checkpoint of another training, bit for bit.
   *
   * @throws ContrailError CorruptCheckpoint when that does not verify
   */
  readonly adopt: (lease: Lease, from: StepKey, name: string) => Promise<CheckpointManifest>;
  /** Keeps a checkpoint until it is unpinned. @throws ContrailError CorruptCheckpoint when there is none of that name */
  readonly pin: (name: string) => Promise<void>;
  readonly unpin: (name: string) => Promise<void>;
}

export interface NewCheckpoint extends ProgressPoint {
  readonly config: Readonly<Record<string, Json>>;
  readonly metrics: EpochMetrics | null;
  readonly best: CheckpointManifest['best'];
  readonly tensors: readonly StoredTensor[];
  /** Kept in the state file, so part of its digest; `epoch`, `step`, `configHash` and `best` are set from the above. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface NamedManifest {
  readonly name: string;
  readonly manifest: CheckpointManifest;
  /** Of the state file, as recorded. */
  readonly bytes: number;
  readonly pinned: boolean;
}

export interface LoadedCheckpoint {
  readonly name: string;
  readonly manifest: CheckpointManifest;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

export function openCheckpoints(store: Store, { run, step }: StepKey): Checkpoints {
  const folder = `runs/${run}/steps/${step}/checkpoints`;
  const folderOf = (name: string) => `${folder}/${checkedName(name)}`;
  const load = async (name: string) => ({ name, ...(await readCheckpoint(store, folderOf(name))) });
  const verify = async (name: string) => (await readCheckpoint(store, folderOf(name))).manifest;
  const verifies = (name: string) => verify(name).then(always, unlessUnusable);

  /** The files in each checkpoint's folder with their sizes, the oldest checkpoint first. */
  const folders = async (): Promise<{ name: string; sizes: ReadonlyMap<string, number>; parsed: CheckpointName }[]> => {
    const found = new Map<string, Map<string, number>>();
    for (const { path, bytes } of await listFiles(store, folder)) {
      const [name = '', file = ''] = path.slice(folder.length + 1).split('/');
      found.set(name, (found.get(name) ?? new Map()).set(file, bytes));
    }
    return [...found]
      .flatMap(([name, sizes]) => {
        const parsed = parseCheckpointName(name);
        return parsed ? [{ name, sizes, parsed }] : [];
      })
      .sort((a, b) => compareCheckpoints(a.parsed, b.parsed));
  };

  /** As `list`, without those whose state file is not even of the recorded size where `whole` is asked for. */
  const manifests = async ({ whole }: { readonly whole: boolean }): Promise<NamedManifest[]> => {
    const found = await Promise.all(
      (await folders()).map(async ({ name, sizes }) => {
        const manifest = await readCheckpointManifest(store, folderOf(name)).catch(unlessUnusable);
        if (!manifest || (whole && sizes.get(checkpointFiles.state) !== manifest.state.bytes)) return [];
        return [{ name, manifest, bytes: manifest.state.bytes, pinned: sizes.has(checkpointFiles.pinned) }];
      }),
    );
    return found.flat();
  };

  const remove = async (name: string) => {
    await store.remove(`${folderOf(name)}/${checkpointFiles.manifest}`);
    await store.remove(`${folderOf(name)}/${checkpointFiles.state}`);
  };

  return {
    load,
    verify,
    list: () => manifests({ whole: false }),
    names: async () => (await folders()).map(({ name }) => name),
    commit: async (lease, checkpoint) => {
      await assertCurrent(lease);
      const { epoch, step: steps, config, metrics, best, tensors, metadata } = checkpoint;
      const configHash = digestOfJson(config);
      const point = { epoch: String(epoch), step: String(steps), configHash, best: canonicalJson(best) };
      const pieces = encodeSafetensors(tensors, { ...metadata, ...point });
      const { sha256: digest, bytes } = digestOf(pieces);
      const manifest = checkpointManifestSchema.parse({
        format: 'contrail-checkpoint/1',
        epoch,
        step: steps,
        digest,
        configHash,
        config,
        token: lease.token,
        state: { path: checkpointFiles.state, bytes, sha256: digest },
        metrics,
        best,
        createdAt: new Date().toISOString(),
      });
      const own = folderOf(checkpointName(manifest));
      const state = `${own}/${checkpointFiles.state}`;
      await store.write(state, pieces);
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
      await store.write(`${own}/${checkpointFiles.manifest}`, jsonBytes(manifest));
      return manifest;
    },
    newestValid: async ({ upTo, wholeEpochs = false, belongs = always } = {}) => {
      const rejected: RejectedCheckpoint[] = [];
      let unread: unknown = null;
      for (const { name, parsed: point } of (await folders()).reverse()) {
        if ((upTo && comparePoints(point, upTo) > 0) || (wholeEpochs && point.step > 0)) continue;
        let newest: LoadedCheckpoint;
        try {
          newest = await load(name);
        } catch (error) {
          unlessUnusable(error);
          if (error instanceof ContrailError && error.code === 'StoreUnreadable') unread = error;
          rejected.push({ name, reason: error instanceof Error ? error.message : String(error) });
          continue;
        }
        if (belongs(newest.manifest)) return { newest, rejected };
      }
      if (unread) throw unread;
      return { newest: null, rejected };
    },
    retain: async (keep) => {
      await store.sweep(folder);
      const present = (await manifests({ whole: true })).map(({ name, manifest, pinned }) => ({
        name,
        pinned,
        epoch: manifest.epoch,
        step: manifest.step,
        token: manifest.token,
        loss: manifest.metrics?.loss ?? null,
      }));
      const candidates = superfluous(present, keep).reverse();
      if (candidates.length === 0) return [];

      let valid = 0;
      for (const { name } of present.toReversed())
        if (valid < 2 && !candidates.includes(name) && (await verifies(name))) valid++;
      const removed: string[] = [];
      for (const name of candidates) {
        // The damaged stay where they are (C4), and as many of the newest as it takes (C5).
        if (!(await verifies(name))) continue;
        if (valid < 2) valid++;
        else {
          await remove(name);
          removed.push(name);
        }
      }
      return removed.reverse();
    },
    discardAfter: async (lease, epoch) => {
      await assertCurrent(lease);
      const removed: string[] = [];
      for (const { name, manifest, pinned } of await manifests({ whole: true })) {
        if (pinned || comparePoints(manifest, { epoch, step: 0 }) <= 0 || !(await verifies(name))) continue;
        await remove(name);
        removed.push(name);
      }
      return removed;
    },
    adopt: async (lease, from, name) => {
      await assertCurrent(lease);
      const origin = `runs/${from.run}/steps/${from.step}/checkpoints/${checkedName(name)}`;
      const { manifest: found } = await readCheckpoint(store, origin);
      const manifest = { ...found, token: lease.token };
      const own = folderOf(checkpointName(manifest));
      await store.write(`${own}/${checkpointFiles.state}`, await store.read(`${origin}/${checkpointFiles.state}`));
      await assertCurrent(lease);
      await store.write(`${own}/${checkpointFiles.manifest}`, jsonBytes(manifest));
      await readCheckpoint(store, own);
      return manifest;
    },
    pin: async (name) => {
      await readCheckpointManifest(store, folderOf(name));
      await store.write(`${folderOf(name)}/${checkpointFiles.pinned}`, new Uint8Array());
    },
    unpin: (name) => store.remove(`${folderOf(name)}/${checkpointFiles.pinned}`),
  };
}

const always = () => true;

/** False for a checkpoint that was found damaged, or lies where the disk is; any other error is one. */
function unlessUnusable(error: unknown): false {
  if (!(error instanceof ContrailError)) throw error;
  const isBadDisk = error.code === 'StoreUnreadable' && hasCode(error.cause, 'EIO');
  if (error.code === 'CorruptCheckpoint' || isBadDisk) return false;
  throw error;
}

function checkedName(name: string): string {
  if (parseCheckpointName(name)) return name;
  throw new ContrailError(
    'CorruptCheckpoint',
    `${JSON.stringify(name)} is not the name of a checkpoint, such as epoch-000003-t1; \`contrail checkpoints\` lists them.`,
  );
}
