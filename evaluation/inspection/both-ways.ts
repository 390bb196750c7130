import type { StepKey } from '../../contracts/identifiers.ts';
import type { InspectedImage, Inspection } from '../../contracts/inspection.ts';
import type { CheckpointJudgement, CheckpointSuspect } from './checkpoint-suspects.ts';
import type { Suspect } from './confident-learning.ts';
import type { FoundBy } from './relabels.ts';

/** A suspected label, whichever way it was found. */
export interface FoundSuspect {
  readonly image: number;
  readonly suggested: number;
  readonly confidence: number;
  readonly found: FoundBy;
}

/** What classifiers of folds and kept checkpoints suspect, side by side. */
export interface BothWays {
  readonly isBoth: (image: number) => boolean;
  readonly both: number;
  /** Each suspect once: those of both ways first, then those of the classifiers, then those of the checkpoints. The suggestion is the classifiers' where they have one. */
  readonly all: readonly FoundSuspect[];
  /** The part of inspection.json that checkpoints are responsible for. */
  readonly byLoss: (
    training: StepKey,
    listed: number,
    imageOf: (image: number) => InspectedImage,
  ) => NonNullable<Inspection['suspects']['byLoss']>;
}

/**
 * Brings the suspects of both ways together.
 *
 * @param start the image that is row 0 of what the checkpoints judged
 */
export function bothWays(
  suspects: readonly Suspect[],
  { suspects: low, epochs, judged, leftOut }: CheckpointJudgement,
  start: number,
): BothWays {
  const byClassifiers = new Set(suspects.map(({ image }) => image));
  const byCheckpoints = new Set(low.map(({ row }) => start + row));
  const isBoth = (image: number) => byClassifiers.has(image) && byCheckpoints.has(image);
  const isAlone = ({ row }: CheckpointSuspect) => !byClassifiers.has(start + row);
  const ofClassifiers = ({ image, suggested, confidence }: Suspect): FoundSuspect => ({
    image,
    suggested,
    confidence,
    found: isBoth(image) ? 'both' : 'classifiers',
  });
  const bothFirst = [...low.filter((each) => !isAlone(each)), ...low.filter(isAlone)];
  const both = bothFirst.length - low.filter(isAlone).length;
  return {
    isBoth,
    both,
    all: [
      ...suspects.filter(({ image }) => isBoth(image)).map(ofClassifiers),
      ...suspects.filter(({ image }) => !isBoth(image)).map(ofClassifiers),
      ...low.filter(isAlone).map(({ row, suggested, votes }) => ({
        image: start + row,
        suggested,
        confidence: votes,
        found: 'checkpoints' as const,
      })),
    ],
    byLoss: (training, listed, imageOf) => ({
      training,
      epochs: [...epochs],
      judged,
      leftOut,
      count: low.length,
      both,
      listed: bothFirst.slice(0, listed).map((each) => ({
        ...imageOf(start + each.row),
        suggested: each.suggested,
        votes: each.votes,
        margin: each.margin,
        limit: each.limit,
        byClassifiers: !isAlone(each),
      })),
    }),
  };
}
