import {
  type CheckpointManifest,
  checkpointManifestSchema,
  type GivenUpCheckpoint,
  givenUpCheckpointSchema,
} from '../contracts/checkpoints.ts';
import { ContrailError } from '../contracts/errors.ts';
import { canonicalJson } from '../contracts/json.ts';
import { checkpointName } from './checkpoint-names.ts';
import { digestOf, digestOfJson, parseJson } from './digest.ts';
import { isMissing, unreadable } from './reading.ts';
import { type DecodedTensors, decodeSafetensors } from './safetensors.ts';
import type { Store } from './store.ts';

/** The files of a checkpoint. `pinned` is empty; that it is there keeps the checkpoint. */
export const checkpointFiles = { state: 'state.safetensors', manifest: 'manifest.json', pinned: 'pinned' } as const;

/** The state in a checkpoint's folder. */
export const stateOf = (folder: string): string => `${folder}/${checkpointFiles.state}`;

const corrupt = (what: string, cause?: unknown) => new ContrailError('CorruptCheckpoint', what, { cause });

/**
 * Reads the manifest in a checkpoint's folder.
 *
 * @throws ContrailError CorruptCheckpoint when it is missing, cut short, not valid, or that of another checkpoint, or when the
 * checkpoint was given up; StoreUnreadable
 */
export async function readCheckpointManifest(store: Store, folder: string): Promise<CheckpointManifest> {
  const manifest = await manifestOrGivenUp(store, folder);
  if ('owner' in manifest) throw corrupt(`it was not finished when ${manifest.owner} took the training over`);
  return manifest;
}

/** The same, or what stands in its place. @throws ContrailError CorruptCheckpoint, StoreUnreadable */
export async function manifestOrGivenUp(store: Store, folder: string): Promise<CheckpointManifest | GivenUpCheckpoint> {
  const file = checkpointFiles.manifest;
  const bytes = await readPart(store, folder, file);
  let manifest: CheckpointManifest | GivenUpCheckpoint;
  try {
    manifest = checkpointManifestSchema.or(givenUpCheckpointSchema).parse(parseJson(bytes));
  } catch (error) {
    throw corrupt(`${file} is cut short or not valid`, error);
  }
  if ('owner' in manifest) return manifest;
  const name = checkpointName(manifest);
  if (!folder.endsWith(`/${name}`)) throw corrupt(`${file} is that of ${name}`);
  if (digestOfJson(manifest.config) !== manifest.configHash)
    throw corrupt(`${file} holds a config that does not have the recorded hash`);
  return manifest;
}

/**
 * Reads a checkpoint and checks its state against its manifest, and its manifest against what the state says of itself.
 *
 * @throws ContrailError CorruptCheckpoint that says what is wrong with it, StoreUnreadable
 */
export async function readCheckpoint(
  store: Store,
  folder: string,
): Promise<{ readonly manifest: CheckpointManifest } & DecodedTensors> {
  const manifest = await readCheckpointManifest(store, folder);
  const file = checkpointFiles.state;
  const bytes = await readPart(store, folder, file);
  if (bytes.byteLength !== manifest.state.bytes)
    throw corrupt(`${file} has ${bytes.byteLength} bytes instead of ${manifest.state.bytes}`);
  const { sha256 } = digestOf(bytes);
  if (sha256 !== manifest.digest) throw corrupt(`${file} has SHA-256 ${sha256} instead of ${manifest.digest}`);
  const decoded = decodeState(bytes);
  const { epoch, step, configHash, best } = manifest;
  const said = { epoch: String(epoch), step: String(step), configHash, best: canonicalJson(best) };
  for (const [key, value] of Object.entries(said))
    if (decoded.metadata[key] !== value)
      throw corrupt(`${checkpointFiles.manifest} says ${key} ${value}, but ${file} says ${decoded.metadata[key]}`);
  return { manifest, ...decoded };
}

function decodeState(bytes: Uint8Array): DecodedTensors {
  try {
    return decodeSafetensors(bytes, checkpointFiles.state);
  } catch (error) {
    throw corrupt(error instanceof Error ? error.message : String(error), error);
  }
}

/** @throws ContrailError CorruptCheckpoint where it is missing, StoreUnreadable where that is not known */
async function readPart(store: Store, folder: string, file: string): Promise<Uint8Array> {
  try {
    return await store.read(`${folder}/${file}`);
  } catch (error) {
    if (isMissing(error)) throw corrupt(`${file} is missing`, error);
    throw unreadable(store.locate(`${folder}/${file}`), error);
  }
}
