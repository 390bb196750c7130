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
import { embeddingProgressQuery, pauseTrainingSignal, stepPausedSignal, unpauseTrainingSignal } from './messages.ts';
import { workOptions } from './options.ts';
import { stageAttribute } from './search-attributes.ts';
import { tellParent } from './tell-parent.ts';

/** Where an embedding stands when its history begins anew: all shards before the next are done. */
export interface EmbeddingState {
  /** Absent where it is to be planned again. */
  readonly plan?: PlannedEmbedding;
  /** How often it was planned again. */
  readonly again?: number;
  readonly next: number;
  readonly done: number;
  readonly retries: number;
  readonly paused: boolean;
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

/** How often an embedding is planned again, because what it counted on was gone or damaged. */
const mostPlannedAgain = 3;

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
  let paused = input.state?.paused ?? false;
  const again = input.state?.again ?? 0;
  const doneBefore = done;
  /** Shards under way. */
  let active = 0;
  const setPaused = (wanted: boolean) => () => {
    paused = wanted;
  };
  setHandler(pauseTrainingSignal, setPaused(true), { description: 'Begin no other shard' });
  setHandler(unpauseTrainingSignal, setPaused(false), { description: 'Go on with the next shard' });
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
      if (paused) await condition(() => !paused);
      if (next >= shards) return;
      const shard = next++;
      active++;
      const { attempt } = await activities(`shard-${shard + 1}`, `shard ${shard + 1} of ${shards}`).embedShard({
        ...key,
        folder,
        shard,
        pictures: parameters.pictures === true,
      });
      active--;
      retries += attempt - 1;
      done += Math.min(shardImages, images - shard * shardImages);
      show();
    }
  };
  /** The run hears of a pause once no shard is under way. */
  const tellOfPauses = async () => {
    for (;;) {
      await condition(() => (paused && active === 0) || next >= shards);
      if (next >= shards) return;
      setCurrentDetails(`**Paused** before shard ${next + 1} of ${shards}`);
      await tellParent((parent) => parent.signal(stepPausedSignal, { step, paused: true }));
      await condition(() => !paused);
      await tellParent((parent) => parent.signal(stepPausedSignal, { step, paused: false }));
      show();
    }
  };
  show();
  const telling = new CancellationScope();
  const told = telling.run(tellOfPauses).catch(() => undefined);
  await together(Array.from({ length: Math.min(Number(parameters.atOnce), shards) }, () => lane));
  telling.cancel();
  await told;
  if (next < shards) {
    await condition(allHandlersFinished);
    return continueAsNew<typeof embedding>({ ...input, state: { plan, next, done, retries, paused, again } });
  }
  const { result, attempt } = await activities('gather', 'gather the embeddings', light).gatherEmbedding({
    ...key,
    parameters,
    inputs,
    fingerprint,
    folder,
    mayPlanAgain: again < mostPlannedAgain,
  });
  await condition(allHandlersFinished);
  if (result === null) {
    const state = { next: 0, done: 0, retries: retries + attempt - 1, paused, again: again + 1 };
    return continueAsNew<typeof embedding>({ ...input, state });
  }
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
