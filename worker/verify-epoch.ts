import { link, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { type TrainerProgress, trainEpochInput } from '../contracts/trainer.ts';
import { differencesOf } from '../contracts/training-changes.ts';
import { trainerEnvironment } from '../native/index.ts';
import {
  artifactFolder,
  emptiedFiles,
  emptiedMark,
  float32,
  type LoadedCheckpoint,
  localArtifactFile,
  manifestFile,
  type NamedManifest,
  openCheckpoints,
  openStore,
  readArtifact,
  type Store,
} from '../store/index.ts';
import { createTrainerHost } from '../training/host.ts';
import { hubSettings, hubWeights, withHubWeights } from '../weights/index.ts';

/** What training an epoch again gave. */
export interface Verification {
  readonly epoch: number;
  /** Of the run's checkpoint, and of the state now. */
  readonly recorded: string;
  readonly digest: string;
  /** What the digest is of besides tensors, such as the sum of the losses. */
  readonly metadata: readonly string[];
  /** Tensors that differ, in their order in the state. */
  readonly tensors: readonly TensorDifference[];
}

export interface TensorDifference {
  readonly name: string;
  readonly elements: number;
  /** How many of them differ, and by how much at most. */
  readonly differing: number;
  readonly largest: number;
}

export interface VerifyOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TrainerProgress) => void;
  /** Weights of the hub that the first epoch began from are kept, or fetched, here. */
  readonly cacheFolder: string;
}

/** An epoch is silent for at most so long. */
const stallTimeoutMs = 5 * 60_000;

/**
 * Trains an epoch again from the checkpoint before it, in a store of its own, and compares. Nothing of the run is written.
 *
 * @param wanted the epoch; null takes the newest that can be verified
 * @throws ContrailError Usage when its checkpoint, or the one before it, is not kept
 */
export async function verifyEpoch(
  store: Store,
  key: StepKey,
  wanted: number | null,
  { signal, onProgress, cacheFolder }: VerifyOptions,
): Promise<Verification> {
  const { before, after } = await findPair(store, key, wanted);
  const { epoch, config: whole } = after.manifest;
  const { dataset: digest, ...config } = whole;
  const dataset = { kind: 'dataset', digest: String(digest) } as const;
  const folder = await mkdtemp(join(tmpdir(), 'contrail-verify-'));
  const scratch = openStore(pathToFileURL(folder).href);
  try {
    await lendArtifact(store, dataset, scratch, folder);
    if (before) {
      const of = `runs/${key.run}/steps/${key.step}/checkpoints/${before.name}`;
      for (const { path } of await store.list(of)) await scratch.write(path, await store.read(path));
    }
    const host = createTrainerHost({
      entry: new URL('./trainer.ts', import.meta.url),
      storeUrl: scratch.url,
      environment: trainerEnvironment(),
      log: () => {},
    });
    try {
      const input = trainEpochInput.parse({
        ...key,
        dataset,
        config,
        checkpoint: { keep: { last: 2 } },
        epoch,
        ...(before
          ? { recorded: { epoch: epoch - 1, digest: before.manifest.digest }, ...earlierOf(before, whole) }
          : {}),
      });
      await withHubWeights(
        input.config.initialWeights,
        cacheFolder,
        (weights) => hubWeights(weights, { settings: hubSettings(process.env), cacheFolder, signal }),
        (weightsFile) => host.run('train-epoch', { ...input, weightsFile }, { signal, onProgress, stallTimeoutMs }),
      );
    } finally {
      await host.closeAll();
    }
    const again = await openCheckpoints(scratch, key).newestValid({ wholeEpochs: true });
    if (!again.newest) throw new Error('a trained epoch has a checkpoint');
    return compare(after, again.newest);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The epoch before may have had another config. */
function earlierOf({ manifest }: NamedManifest, now: Readonly<Record<string, unknown>>) {
  if (differencesOf(manifest.config as Json, now as Json).length === 0) return {};
  const { dataset, ...config } = manifest.config;
  return { earlier: [{ through: manifest.epoch, dataset: { kind: 'dataset', digest: dataset }, config }] };
}

/** The checkpoint of an epoch, and the one that it began from; null before the first epoch. */
async function findPair(
  store: Store,
  key: StepKey,
  wanted: number | null,
): Promise<{ readonly before: NamedManifest | null; readonly after: LoadedCheckpoint }> {
  const checkpoints = openCheckpoints(store, key);
  const kept = (await checkpoints.list()).filter(({ manifest }) => manifest.step === 0);
  const of = (epoch: number) => kept.findLast(({ manifest }) => manifest.epoch === epoch);
  const possible = [...new Set(kept.map(({ manifest }) => manifest.epoch))].filter(
    (epoch) => epoch === 1 || of(epoch - 1),
  );
  const epoch = wanted ?? possible.at(-1);
  const after = epoch === undefined ? undefined : of(epoch);
  if (epoch === undefined || !after || !possible.includes(epoch))
    throw new ContrailError(
      'Usage',
      `${key.run}/${key.step} cannot verify ${epoch === undefined ? 'an epoch' : `epoch ${epoch}`}: it takes the checkpoint of that epoch and of the one before. ${possible.length > 0 ? `Epochs ${possible.join(', ')} have both` : 'No epoch has both; checkpoint.keep.last says how many are kept'}.`,
    );
  return { before: of(epoch - 1) ?? null, after: await checkpoints.load(after.name) };
}

/** Makes an artifact readable in another store, a folder, without a copy of its files. */
async function lendArtifact(store: Store, ref: ArtifactRef, other: Store, folder: string): Promise<void> {
  const { files } = await readArtifact(store, ref);
  const removed = await emptiedFiles(store, ref);
  for (const entry of files.filter(({ path }) => !removed.includes(path))) {
    const target = join(folder, artifactFolder(ref), entry.path);
    const file = await localArtifactFile(store, ref, entry);
    await mkdir(dirname(target), { recursive: true });
    // A second name outlives the first, which a cache may remove; on another disk there can be none.
    await link(file, target).catch(() => symlink(file, target));
  }
  // With the note on what was removed for good: whoever wants that is told.
  for (const name of removed.length > 0 ? [emptiedMark, manifestFile] : [manifestFile]) {
    const path = `${artifactFolder(ref)}/${name}`;
    await other.write(path, await store.read(path));
  }
}

function compare(recorded: LoadedCheckpoint, again: LoadedCheckpoint): Verification {
  const tensors: TensorDifference[] = [];
  for (const [name, tensor] of recorded.tensors) {
    const [a, b] = [float32(tensor), again.tensors.get(name)];
    const now = b ? float32(b) : new Float32Array();
    let differing = 0;
    let largest = 0;
    for (let i = 0; i < Math.max(a.length, now.length); i++) {
      const [x = Number.NaN, y = Number.NaN] = [a[i], now[i]];
      if (Object.is(x, y)) continue;
      differing++;
      largest = Math.max(largest, Math.abs(x - y));
    }
    if (differing > 0) tensors.push({ name, elements: a.length, differing, largest });
  }
  return {
    epoch: recorded.manifest.epoch,
    recorded: recorded.manifest.digest,
    digest: again.manifest.digest,
    metadata: differencesOf(recorded.metadata as Json, again.metadata as Json).map(({ path }) => path),
    tensors,
  };
}
