import type { CheckpointManifest, EpochMetrics } from '../contracts/checkpoints.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { type LoadedCheckpoint, openCheckpoints, type Store } from '../store/index.ts';

/** The end of an epoch whose checkpoint is kept, found whole. */
export interface KeptEpoch {
  readonly manifest: CheckpointManifest & { readonly metrics: EpochMetrics };
  readonly load: () => Promise<LoadedCheckpoint>;
}

/**
 * The epochs of a training whose checkpoints are kept and verify, in order.
 *
 * @param every only epochs that are a multiple of it
 * @throws ContrailError InvalidInput where none is left
 */
export async function keptEpochs(store: Store, training: StepKey, every = 1): Promise<readonly KeptEpoch[]> {
  const checkpoints = openCheckpoints(store, training);
  const whole = (await checkpoints.list()).filter(({ manifest }) => manifest.step === 0 && manifest.epoch > 0);
  const found = new Map<number, KeptEpoch>();
  const damaged: string[] = [];
  for (const { name, manifest } of whole) {
    const { metrics } = manifest;
    if (manifest.epoch % every !== 0 || metrics === null) continue;
    try {
      await checkpoints.verify(name);
    } catch (error) {
      damaged.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    // Of two of one epoch, the later attempt is the one that the training went on from.
    found.set(manifest.epoch, { manifest: { ...manifest, metrics }, load: () => checkpoints.load(name) });
  }
  if (found.size > 0) return [...found.values()];
  const which = every > 1 ? ` of an epoch that is a multiple of ${every}` : '';
  const why = damaged.length > 0 ? ` (damaged: ${damaged.join('; ')})` : '';
  throw new ContrailError(
    'InvalidInput',
    `The training ${training.run}/${training.step} has no checkpoint${which} left to measure${why}. Set \`checkpoint: { keep: { every: ${every} } }\` in that step, so that its checkpoints are kept.`,
  );
}
