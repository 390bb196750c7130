import type { StepKey } from '../../contracts/identifiers.ts';
import type { TrainerProgress } from '../../contracts/trainer.ts';
import type { OpenSplit } from '../../datasets/index.ts';
import { createEncoderAtCheckpoint, type JobContext } from '../../training/index.ts';
import { requireImageFormat } from '../frozen-encoder.ts';
import { keptEpochs } from '../kept-epochs.ts';
import { lossMargins } from './loss-margins.ts';
import { type LowMargin, lowMargins } from './loss-suspects.ts';
import { neighbourVotes } from './neighbour-votes.ts';
import { turns } from './turns.ts';

/** Checkpoints that are measured: more hardly change a mean over them. */
const mostCheckpoints = 8;

export interface CheckpointSuspect extends LowMargin {
  readonly suggested: number;
  /** Share of the votes of its neighbours for the suggested class. */
  readonly votes: number;
}

export interface CheckpointJudgement {
  /** Epochs whose checkpoints were measured, in order. */
  readonly epochs: readonly number[];
  readonly judged: number;
  readonly leftOut: { readonly classes: number; readonly images: number };
  /** The surest first. */
  readonly suspects: readonly CheckpointSuspect[];
}

/**
 * Labels that are probably wrong by the loss that a training's kept checkpoints have on them: wrong labels are learnt late. The statistic is
 * the margin of a label, averaged over checkpoints: the area under the margin (Pleiss and others, 2020, arXiv:2001.10528), with the
 * supervised contrastive loss in the place of logits. Each margin is compared with those of its own class. The neighbours of an image vote at
 * each checkpoint where its margin is negative; where its own label wins, it is not suspected, else the label that wins is suggested.
 *
 * @param train training images, of the format that the training's are of
 * @param report is told again and again what is being done and how far it is; may throw to stop
 * @throws ContrailError InvalidInput where no checkpoint is left, or images are of another format
 */
export async function judgeByCheckpoints(
  training: StepKey,
  train: OpenSplit,
  { store }: Pick<JobContext, 'store'>,
  report: (phase: string, done: number, total: number, unit: TrainerProgress['unit']) => void,
): Promise<CheckpointJudgement> {
  const checkpoints = spread(await keptEpochs(store, training), mostCheckpoints);
  const labels = await train.labels();
  const sums = new Float64Array(train.count);
  const votes = neighbourVotes();
  const encoderAt = createEncoderAtCheckpoint(store);
  try {
    for (const checkpoint of checkpoints) {
      const of = (phase: string) => `epoch ${checkpoint.manifest.epoch}: ${phase}`;
      const turnOf = (phase: string) => turns((done, total) => report(of(phase), done, Math.max(1, total), 'images'));
      const { embedder, image } = await encoderAt.take(await checkpoint.load(), {
        onProgress: (phase, done, total) => report(of(phase), done, total, 'batches'),
      });
      requireImageFormat("The training's images are", image, train);
      const { features } = await embedder.featuresOf(train, (done, total) =>
        report(of('features'), done, total, 'images'),
      );
      const embedding = { values: features, count: train.count, dimension: embedder.dimension };
      const margins = await lossMargins(embedding, labels, turnOf('losses'));
      for (const [row, margin] of margins.entries()) sums[row] = (sums[row] as number) + margin;
      const doubted = Int32Array.from(margins.keys()).filter((row) => (margins[row] as number) < 0);
      await votes.add(embedding, labels, doubted, turnOf('neighbours'));
    }
  } finally {
    await encoderAt.close();
  }
  const { found, judged, leftOut } = lowMargins(
    sums.map((sum) => sum / checkpoints.length),
    labels,
  );
  return {
    epochs: checkpoints.map(({ manifest }) => manifest.epoch),
    judged,
    leftOut,
    suspects: found.flatMap((low) => {
      const winner = votes.winnerFor(low.row);
      if (winner === null || winner.label === labels[low.row]) return [];
      return [{ ...low, suggested: winner.label, votes: winner.share }];
    }),
  };
}

/** At most so many, spread evenly, the last among them. */
const spread = <T>(all: readonly T[], most: number): readonly T[] =>
  all.length <= most
    ? all
    : Array.from({ length: most }, (_, at) => all[Math.floor(((at + 1) * all.length) / most) - 1] as T);
