import {
  type CheckpointManifest,
  checkpointManifestSchema,
  type EpochMetrics,
  type ProgressPoint,
  type RejectedCheckpoint,
} from '../contracts/checkpoints.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { digestOf, digestOfJson, jsonBytes, parseJson } from './digest.ts';
import { assertCurrent, type Lease } from './leases.ts';
import { type Removable, superfluous } from './retention.ts';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.ts';
import type { Store } from './store.ts';

/**
 * The checkpoints of one training.
 *
 * Owns: `runs/<run>/steps/<step>/checkpoints/<name>/{state.safetensors,manifest.json}`.
 * Does not own: who may train (leases), or what the state means (training).
 *
 * C1. A checkpoint with a manifest is whole: the state is written, read back and compared first, the manifest last.
 * C2. The SHA-256 of the state file is the digest of the whole training state: nothing about time, run or process is in it.
 * C3. A commit under a lease that was taken over fails and leaves nothing that a reader would see.
 * C4. A damaged checkpoint is reported and skipped, never used and never removed.
 */
export interface Checkpoints {
  /** @throws ContrailError StaleLease */
  readonly commit: (lease: Lease, checkpoint: NewCheckpoint) => Promise<CheckpointManifest>;
  /** Checkpoints with a readable manifest, the oldest first; their states are not checked. */
  readonly list: () => Promise<readonly NamedManifest[]>;
  /** The newest checkpoint, not past a point, whose state verifies; with those that were skipped. */
  readonly newestValid: (options?: { readonly upTo?: ProgressPoint; readonly wholeEpochs?: boolean }) => Promise<{
    readonly newest: LoadedCheckpoint | null;
    readonly rejected: readonly RejectedCheckpoint[];
  }>;
  /** @throws ContrailError CorruptCheckpoint that says what is wrong with it */
  readonly load: (name: string) => Promise<LoadedCheckpoint>;
  /** Removes what the retention rule does not keep; returns the names. */
  readonly retain: (keep: { readonly last: number; readonly best: number }) => Promise<readonly string[]>;
}

export interface NewCheckpoint extends ProgressPoint {
  readonly config: Readonly<Record<string, Json>>;
  readonly metrics: EpochMetrics | null;
  readonly best: CheckpointManifest['best'];
  readonly tensors: readonly StoredTensor[];
  /** Kept in the state file, so part of its digest. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface NamedManifest {
  readonly name: string;
  readonly manifest: CheckpointManifest;
  readonly bytes: number;
}

export interface LoadedCheckpoint {
  readonly name: string;
  readonly manifest: CheckpointManifest;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const stateFile = 'state.safetensors';
const manifestFile = 'manifest.json';

export function openCheckpoints(store: Store, { run, step }: StepKey): Checkpoints {
  const folder = `runs/${run}/steps/${step}/checkpoints`;

  const readManifest = async (name: string): Promise<CheckpointManifest> => {
    let manifest: CheckpointManifest;
    try {
      manifest = checkpointManifestSchema.parse(parseJson(await store.read(`${folder}/${name}/${manifestFile}`)));
    } catch {
      throw new ContrailError('CorruptCheckpoint', `${manifestFile} is missing, cut short or not valid`);
    }
    if (nameOf(manifest) !== name)
      throw new ContrailError('CorruptCheckpoint', `${manifestFile} is of ${nameOf(manifest)}`);
    return manifest;
  };

  /** Names of the checkpoint folders, the newest first. */
  const names = async (): Promise<string[]> => {
    const files = await store.list(folder);
    return [...new Set(files.flatMap(({ path }) => path.slice(folder.length + 1).split('/')[0] ?? []))]
      .sort()
      .reverse();
  };

  const load = async (name: string): Promise<LoadedCheckpoint> => {
    const manifest = await readManifest(name);
    const bytes = await store.read(`${folder}/${name}/${stateFile}`).catch(() => {
      throw new ContrailError('CorruptCheckpoint', `${stateFile} is missing`);
    });
    if (bytes.byteLength !== manifest.state.bytes)
      throw new ContrailError(
        'CorruptCheckpoint',
        `${stateFile} has ${bytes.byteLength} bytes instead of ${manifest.state.bytes}`,
      );
    if (digestOf(bytes).sha256 !== manifest.digest)
      throw new ContrailError('CorruptCheckpoint', `${stateFile} does not have the recorded SHA-256`);
    return { name, manifest, ...decodeSafetensors(bytes, stateFile) };
  };

  const list = async (): Promise<readonly NamedManifest[]> => {
    const found = await Promise.all(
      (await names()).map(async (name) => {
        const manifest = await readManifest(name).catch(() => null);
        return manifest ? [{ name, manifest, bytes: manifest.state.bytes }] : [];
      }),
    );
    return found.flat().reverse();
  };

  return {
    list,
    load,
    commit: async (lease, { epoch, step: steps, config, metrics, best, tensors, metadata }) => {
      await assertCurrent(lease);
      const configHash = digestOfJson(config);
      const pieces = encodeSafetensors(tensors, { ...metadata, epoch: String(epoch), step: String(steps), configHash });
      const { sha256: digest, bytes } = digestOf(pieces);
      const manifest = checkpointManifestSchema.parse({
        format: 'contrail-checkpoint/1',
        epoch,
        step: steps,
        digest,
        configHash,
        config,
        token: lease.token,
        state: { path: stateFile, bytes, sha256: digest },
        metrics,
        best,
        createdAt: new Date().toISOString(),
      });
      const name = nameOf(manifest);
      await store.write(`${folder}/${name}/${stateFile}`, pieces);
      if (digestOf(await store.read(`${folder}/${name}/${stateFile}`)).sha256 !== digest)
        throw new ContrailError(
          'CorruptCheckpoint',
          `${store.locate(`${folder}/${name}`)} reads back other bytes than were written. The disk may be failing.`,
        );
      try {
        await assertCurrent(lease);
      } catch (error) {
        await store.remove(`${folder}/${name}/${stateFile}`);
        throw error;
      }
      await store.write(`${folder}/${name}/${manifestFile}`, jsonBytes(manifest));
      return manifest;
    },
    newestValid: async ({ upTo, wholeEpochs = false } = {}) => {
      const rejected: RejectedCheckpoint[] = [];
      for (const name of await names()) {
        const point = pointOf(name);
        if (!point || (upTo && isAfter(point, upTo)) || (wholeEpochs && point.step > 0)) continue;
        try {
          return { newest: await load(name), rejected };
        } catch (error) {
          rejected.push({ name, reason: error instanceof Error ? error.message : String(error) });
        }
      }
      return { newest: null, rejected };
    },
    retain: async (keep) => {
      const present: Removable[] = (await list()).map(({ name, manifest }) => ({
        ...manifest,
        name,
        loss: manifest.metrics?.loss ?? null,
      }));
      const removed = superfluous(present, keep);
      for (const name of removed) {
        await store.remove(`${folder}/${name}/${manifestFile}`);
        await store.remove(`${folder}/${name}/${stateFile}`);
      }
      return removed;
    },
  };
}

const digits = (value: number, count: number) => String(value).padStart(count, '0');

/** Sorts by epoch, step and token. The token is in the name, so two attempts never write the same file. */
const nameOf = ({ epoch, step, token }: CheckpointManifest) =>
  `epoch-${digits(epoch, 7)}-step-${digits(step, 7)}-token-${digits(token, 5)}`;

function pointOf(name: string): ProgressPoint | null {
  const match = /^epoch-(\d+)-step-(\d+)-token-\d+$/.exec(name);
  return match ? { epoch: Number(match[1]), step: Number(match[2]) } : null;
}

const isAfter = (a: ProgressPoint, b: ProgressPoint) => a.epoch > b.epoch || (a.epoch === b.epoch && a.step > b.step);
