import { cancellationSignal, log } from '@temporalio/activity';
import { z } from 'zod';
import { times } from '../contracts/counted.ts';
import { embeddedText } from '../contracts/embedded-text.ts';
import type { EmbeddingPlan } from '../contracts/embedding.ts';
import { isContrailError } from '../contracts/errors.ts';
import { stepKeySchema } from '../contracts/identifiers.ts';
import { embedImagesParameters, embedImagesResult } from '../contracts/kinds/embed-images.ts';
import { hasPiece } from '../store/index.ts';
import {
  endEmbedding,
  gatherEmbedding as gather,
  planEmbedding as plan,
  readOutcome,
  readPlan,
  shardListPath,
  writeOutcome,
} from '../vectors/embedding/index.ts';
import { type ActivityContext, runInTrainer, withHeartbeat } from './context.ts';
import { type StepInput, stepInputSchema } from './step-input.ts';
import { finishStep, unlessFinished } from './step-result.ts';

/** A trainer waits so long for the next shard before its memory is given back. */
const idleMs = 15_000;
/** The log of a run has a line for so many shards at most. */
const mostLines = 100;

/** What the workflow knows of a plan; the rest is in the store. */
export interface PlannedEmbedding extends Pick<EmbeddingPlan, 'rows' | 'images' | 'shards' | 'shardImages'> {
  readonly folder: string;
  readonly rejected: number;
}

const ofPlan = z.strictObject({ folder: z.string() });
export const embedShardInput = stepKeySchema.extend({
  ...ofPlan.shape,
  shard: z.int().nonnegative(),
  pictures: z.boolean(),
});
export const gatherInput = stepInputSchema.extend({ ...ofPlan.shape, mayPlanAgain: z.boolean().optional() });
export type EmbedShardInput = z.input<typeof embedShardInput>;
export type GatherEmbeddingInput = z.input<typeof gatherInput>;

/** Lists the images of a step, and what of them is embedded already. */
export async function planEmbedding(context: ActivityContext, input: StepInput): Promise<PlannedEmbedding> {
  const { parameters, inputs, run, step } = stepInputSchema.parse(input);
  const { encoder, dataset } = z
    .object({
      encoder: stepInputSchema.shape.inputs.valueType,
      dataset: stepInputSchema.shape.inputs.valueType.optional(),
    })
    .parse(inputs);
  return withHeartbeat(async (report) => {
    const { plan: made, folder } = await plan(
      context.store,
      { run, step },
      { encoder, dataset, parameters: embedImagesParameters.parse(parameters) },
      {
        cacheFolder: context.cacheFolder,
        signal: cancellationSignal(),
        onProgress: ({ phase, done, total }) => report({ phase, done, total, unit: 'images' }),
      },
    );
    const { rows, images, shards, shardImages, rejected } = made;
    const reused = rows - images;
    log.info(
      `${times(images, 'image')} to embed in ${times(shards, 'shard')}${reused > 0 ? `; ${reused} of ${rows} are there already, or are copies` : ''}`,
      { run, step },
    );
    return { folder, rows, images, shards, shardImages, rejected };
  });
}

/** Embeds one shard in a trainer, unless an earlier attempt did. */
export async function embedShard(
  context: ActivityContext,
  input: EmbedShardInput,
): Promise<{ readonly images: number }> {
  const { run, step, folder, shard, pictures } = embedShardInput.parse(input);
  const { store } = context;
  const { encoder, dataset, place, root, shards } = await readPlan(store, folder);
  const before = await readOutcome(store, folder, shard);
  if (before && (before.piece === null || (await hasPiece(store, place, before.piece))))
    return { images: before.images };
  const outcome = await runInTrainer(
    context,
    'embed-shard',
    {
      ...{ run, step, encoder, list: shardListPath(folder, shard), place, pictures },
      ...(dataset ? { dataset } : {}),
      ...(root === undefined ? {} : { root }),
    },
    { besideOthers: true, idleMs },
  );
  await writeOutcome(store, folder, shard, outcome);
  if (shard % Math.ceil(shards / mostLines) === 0)
    log.info(`shard ${shard + 1} of ${shards}: ${times(outcome.images, 'image')}`, { run, step });
  return { images: outcome.images };
}

/**
 * Puts all shards into one artifact; done means that the step has its result.
 *
 * @returns null where what the plan counts on is gone or damaged, and `mayPlanAgain`: another plan does without it
 */
export async function gatherEmbedding(context: ActivityContext, input: GatherEmbeddingInput) {
  const { mayPlanAgain, ...given } = gatherInput.parse(input);
  try {
    return await gatherStep(context, given);
  } catch (error) {
    if (!mayPlanAgain || !isContrailError(error) || error.code !== 'CorruptArtifact') throw error;
    log.warn(`planned again: ${error.message}`, { run: given.run, step: given.step });
    return null;
  }
}

async function gatherStep(context: ActivityContext, { parameters, folder, ...step }: z.output<typeof gatherInput>) {
  const { store } = context;
  const key = { run: step.run, step: step.step };
  const parsed = embedImagesParameters.parse(parameters);
  const result = await unlessFinished(context, step, () =>
    withHeartbeat(async (report) => {
      const made = await gather(store, folder, parsed, {
        signal: cancellationSignal(),
        onProgress: (done, total) => report({ phase: 'gathering', done, total, unit: 'images' }),
      });
      log.info(embeddedText(made), key);
      // What lies in a folder or behind a URL may change while its name stays.
      return finishStep(context, step, made, { cache: parsed.images === undefined });
    }),
  );
  await withHeartbeat(() => endEmbedding(store, key, folder, embedImagesResult.parse(result).vectors));
  return result;
}
