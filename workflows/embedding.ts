import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { PlannedEmbedding } from '../activities/embed-images.ts';
import type { Activities } from '../activities/index.ts';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { count } from '../contracts/counted.ts';
import type { EmbeddingProgress } from '../contracts/embedding.ts';
import type { Json } from '../contracts/json.ts';
import type { PlannedStep } from '../contracts/plan.ts';
import { stepKinds } from '../contracts/step-kinds.ts';
import { embeddingProgressQuery } from './messages.ts';
import { workOptions } from './options.ts';
import { stageAttribute } from './search-attributes.ts';

/** Where an embedding stands when its history begins anew: all shards before the next are done. */
export interface EmbeddingState {
  readonly plan: PlannedEmbedding;
  readonly next: number;
  readonly done: number;
  readonly retries: number;
}

export interface EmbeddingInput extends Pick<PlannedStep, 'queue' | 'timeoutMs' | 'retry' | 'priority'> {
  readonly run: string;
  readonly step: string;
  readonly inputs: Readonly<Record<string, ArtifactRef>>;
  readonly parameters: { readonly [key: string]: Json };
  readonly fingerprint: string;
  readonly state?: EmbeddingState;
}

export interface EmbeddingOutcome {
  readonly result: { readonly [key: string]: Json };
  readonly retries: number;
}

/** The queue of what needs no trainer, where the step is on the one that kinds have by themselves. */
const lightQueue = 'cpu';

/**
 * Embeds images shard by shard: one activity lists them, one embeds a shard, as many at a time as the step allows, and one
 * gathers the results. What a shard gave is in the store, so nothing of it passes through here.
 */
export async function embedding(input: EmbeddingInput): Promise<EmbeddingOutcome> {
  const { run, step, parameters, inputs, fingerprint, queue } = input;
  const key = { run, step };
  const begun = Date.now();
  let plan = input.state?.plan;
  let next = input.state?.next ?? 0;
  let done = input.state?.done ?? 0;
  let retries = input.state?.retries ?? 0;
  const doneBefore = done;
  setHandler(
    embeddingProgressQuery,
    (): EmbeddingProgress | null => (plan ? { done, images: plan.images, reused: plan.rows - plan.images } : null),
    { description: 'Images that are embedded, and all that are to be' },
  );
  const activities = (activityId: string, summary: string, onQueue = queue) =>
    proxyActivities<Activities>({
      ...workOptions({ ...input, queue: onQueue }),
      activityId,
      summary: `${step}: ${summary}`,
    });
  const light = queue === stepKinds['embed-images'].queue ? lightQueue : queue;
  const show = () => setCurrentDetails(detailsOf(plan, { done, seconds: (Date.now() - begun) / 1000, doneBefore }));

  if (!plan) {
    upsertSearchAttributes([{ key: stageAttribute, value: step }]);
    const { result, attempt } = await activities('list', 'list the images', light).planEmbedding({
      ...key,
      parameters,
      inputs,
      fingerprint,
    });
    plan = result;
    retries += attempt - 1;
  }
  const { folder, shards, shardImages, images } = plan;
  const isDraining = () => workflowInfo().continueAsNewSuggested && next > (input.state?.next ?? 0);
  const lane = async () => {
    while (next < shards && !isDraining()) {
      const shard = next++;
      const { attempt } = await activities(`shard-${shard + 1}`, `shard ${shard + 1} of ${shards}`).embedShard({
        ...key,
        folder,
        shard,
        pictures: parameters.pictures === true,
      });
      retries += attempt - 1;
      done += Math.min(shardImages, images - shard * shardImages);
      show();
    }
  };
  show();
  await together(Array.from({ length: Math.min(Number(parameters.atOnce), shards) }, () => lane));
  if (next < shards) {
    await condition(allHandlersFinished);
    return continueAsNew<typeof embedding>({ ...input, state: { plan, next, done, retries } });
  }
  const { result, attempt } = await activities('gather', 'gather the embeddings', light).gatherEmbedding({
    ...key,
    parameters,
    inputs,
    fingerprint,
    folder,
  });
  await condition(allHandlersFinished);
  return { result, retries: retries + attempt - 1 };
}

/** Does all at the same time; where one fails, the others are cancelled, and have ended, before its error is thrown. */
async function together(lanes: readonly (() => Promise<void>)[]): Promise<void> {
  const scope = new CancellationScope();
  const outcomes = scope.run(() =>
    Promise.allSettled(
      lanes.map((lane) =>
        lane().catch((error: unknown) => {
          scope.cancel();
          throw error;
        }),
      ),
    ),
  );
  const failed = (await outcomes).filter((outcome) => outcome.status === 'rejected');
  const [first] = failed;
  if (first) throw first.reason;
}

function detailsOf(
  plan: PlannedEmbedding | undefined,
  { done, seconds, doneBefore }: { readonly done: number; readonly seconds: number; readonly doneBefore: number },
): string {
  if (!plan) return 'Listing the images';
  const { images, rows, shards, shardImages, rejected } = plan;
  const rate = seconds > 0 ? (done - doneBefore) / seconds : 0;
  const left = rate > 0 ? Math.ceil((images - done) / rate / 60) : null;
  return [
    `${count(done)} of ${count(images)} images are embedded`,
    ...(rate > 0 && done < images
      ? [`, ${Math.round(rate)} a second`, ...(left === null ? [] : [`, ${left} min left`])]
      : []),
    `.\n\n${count(shards)} shards of ${count(shardImages)} images`,
    ...(rows > images ? [`; ${count(rows - images)} images were embedded before, or are copies`] : []),
    ...(rejected > 0 ? [`; ${count(rejected)} files were rejected`] : []),
    '.',
  ].join('');
}
