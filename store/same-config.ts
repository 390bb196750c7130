import type { CheckpointManifest } from '../contracts/checkpoints.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import { changeRule, type Difference, describeDifference, differencesOf } from '../contracts/training-changes.ts';

/** What must not differ between a checkpoint and the config that goes on with it: all but a longer or shorter training. */
export const conflictsWith = ({ config: stored }: CheckpointManifest, config: Readonly<Record<string, Json>>) =>
  differencesOf(stored as Json, config).filter(({ path }) => {
    const { rule } = changeRule(path, config);
    return rule !== 'always' && rule !== 'end';
  });

export const configMismatch = (differences: readonly Difference[]) =>
  new ContrailError(
    'ConfigMismatch',
    `The checkpoints of this run were written with another config (checkpoint → now). Set these back, fork the run, or let it go on with them from the next epoch by \`contrail resume --accept-drift\`:\n${differences.map((each) => `  ${describeDifference(each)}`).join('\n')}`,
  );

/** One line for each value that differs: `optimizer.learningRate: 0.1 → 0.2`. */
export const differencesBetween = (before: Json | undefined, now: Json | undefined): string[] =>
  differencesOf(before, now).map(describeDifference);
