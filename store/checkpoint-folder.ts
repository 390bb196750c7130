import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { hasCode } from '../contracts/system-errors.ts';
import { checkpointFiles, readCheckpointManifest } from './checkpoint-files.ts';
import { type CheckpointName, compareCheckpoints, parseCheckpointName } from './checkpoint-names.ts';
import type { NamedManifest } from './checkpoints.ts';
import { listFiles } from './reading.ts';
import type { Store } from './store.ts';

/** Where the checkpoints of one training are. */
export interface CheckpointFolder {
  readonly store: Store;
  readonly folder: string;
}

export const checkpointFolder = (store: Store, { run, step }: StepKey): CheckpointFolder => ({
  store,
  folder: `runs/${run}/steps/${step}/checkpoints`,
});

/** The folder of one checkpoint. @throws ContrailError CorruptCheckpoint for what is no name of one */
export const placeOf = ({ folder }: CheckpointFolder, name: string): string => `${folder}/${checkedName(name)}`;

function checkedName(name: string): string {
  if (parseCheckpointName(name)) return name;
  throw new ContrailError(
    'CorruptCheckpoint',
    `${JSON.stringify(name)} is not the name of a checkpoint, such as epoch-000003-t1; \`contrail checkpoints\` lists them.`,
  );
}

/** A checkpoint as it lies there, whatever is in it. */
export interface FoundCheckpoint {
  readonly name: string;
  readonly parsed: CheckpointName;
  /** Of its files, by name. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** All, damaged ones too, the oldest first. */
export async function foundIn({ store, folder }: CheckpointFolder): Promise<readonly FoundCheckpoint[]> {
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
}

/** Those with a sound manifest, the oldest first. @param whole leaves out those whose state is not of the recorded size */
export async function manifestsIn(
  at: CheckpointFolder,
  { whole }: { readonly whole: boolean },
): Promise<readonly NamedManifest[]> {
  const found = await Promise.all(
    (await foundIn(at)).map(async ({ name, sizes }) => {
      const manifest = await readCheckpointManifest(at.store, placeOf(at, name)).catch(unlessUnusable);
      if (!manifest || (whole && sizes.get(checkpointFiles.state) !== manifest.state.bytes)) return [];
      return [{ name, manifest, bytes: manifest.state.bytes, pinned: sizes.has(checkpointFiles.pinned) }];
    }),
  );
  return found.flat();
}

/** False for a checkpoint that was found damaged, or lies where the disk is; any other error is one. */
export function unlessUnusable(error: unknown): false {
  if (!(error instanceof ContrailError)) throw error;
  const isBadDisk = error.code === 'StoreUnreadable' && hasCode(error.cause, 'EIO');
  if (error.code === 'CorruptCheckpoint' || isBadDisk) return false;
  throw error;
}
