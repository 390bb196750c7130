import {
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { EpochMetrics } from '../contracts/checkpoints.ts';
import type { Json } from '../contracts/json.ts';
import type { PlannedStep } from '../contracts/plan.ts';
import type { TrainingKindName } from '../contracts/training-kinds.ts';
import { progressQuery, type StepProgress, stepProgressSignal } from './messages.ts';
import { controlQueue, lookupOptions, workOptions } from './options.ts';
import { bestLossAttribute, epochAttribute, stageAttribute } from './search-attributes.ts';
import { handlePauses } from './training-pause.ts';

/** Where a training stands, as its history knows it. Plain JSON: it is carried over when the history grows long. */
export interface TrainingState {
  readonly epoch: number;
  readonly digest: string;
  readonly metrics: EpochMetrics;
  readonly best: { readonly epoch: number; readonly loss: number };
  readonly retries: number;
}

export interface TrainingInput extends Pick<PlannedStep, 'queue' | 'timeoutMs' | 'retry' | 'priority'> {
  readonly run: string;
  readonly step: string;
  /** Absent in the histories of versions that knew `pretrain` only. */
  readonly uses?: TrainingKindName;
  readonly dataset: ArtifactRef;
  readonly parameters: { readonly [key: string]: Json };
  readonly epochs: number;
  readonly fingerprint: string;
  /** Look for checkpoints of an earlier attempt of the run first. */
  readonly resume: boolean;
  /** False where the result does not follow from the fingerprint alone. */
  readonly cache?: boolean;
  readonly state?: TrainingState;
}

export interface TrainingOutcome {
  readonly result: { readonly [key: string]: Json };
  readonly retries: number;
}

/** A parent is told of its training's progress at most so many times. */
const maximumProgressSignals = 100;

/**
 * The epoch loop: one activity an epoch, each checked against the digest that the epoch before it recorded. A history that
 * grows long is carried on in a new one, between two epochs.
 */
export async function training(input: TrainingInput): Promise<TrainingOutcome> {
  const { run, step, uses, dataset, parameters, epochs, fingerprint } = input;
  const key = { run, step, ...(uses ? { uses } : {}), dataset, parameters };
  let state = input.state;
  setHandler(progressQuery, () => (state ? progressOf(input, state) : null), {
    description: 'Epochs done, and the latest metrics',
  });

  const pauses = handlePauses(input, () => state);

  if (!state && input.resume) {
    const found = await proxyActivities<Activities>({
      ...lookupOptions,
      taskQueue: controlQueue,
      summary: 'look for checkpoints',
    }).trainingProgress(key);
    if (found) state = { ...found, retries: 0 };
  }
  for (let epoch = (state?.epoch ?? 0) + 1; epoch <= epochs; epoch++) {
    if (workflowInfo().continueAsNewSuggested && state && state !== input.state) {
      await condition(allHandlersFinished);
      return continueAsNew<typeof training>({ ...input, state });
    }
    const { trainEpoch } = proxyActivities<Activities>({
      ...workOptions(input),
      activityId: `epoch-${epoch}`,
      summary: `${step}: epoch ${epoch} of ${epochs}`,
    });
    const recorded = state ? { recorded: { epoch: state.epoch, digest: state.digest } } : {};
    const { result, attempt }: Awaited<ReturnType<typeof trainEpoch>> = await pauses.pausable(() =>
      trainEpoch({ ...key, epoch, ...recorded }),
    );
    state = {
      epoch,
      digest: result.digest,
      metrics: result.metrics,
      best: result.best,
      retries: (state?.retries ?? 0) + attempt - 1,
    };
    await publish(input, state);
  }
  if (!state) throw new Error('a training has at least one epoch');
  const { finishTraining } = proxyActivities<Activities>({
    ...workOptions(input),
    activityId: 'encoder',
    summary: `${step}: take out the encoder`,
  });
  const { result, attempt } = await finishTraining({
    ...key,
    fingerprint,
    recorded: { epoch: state.epoch, digest: state.digest },
    loss: state.metrics.loss,
    bestLoss: state.best.loss,
    ...(input.cache === false ? { cache: false } : {}),
  });
  return { result, retries: state.retries + attempt - 1 };
}

const progressOf = ({ step, epochs }: TrainingInput, { epoch, metrics, retries }: TrainingState): StepProgress => ({
  step,
  epoch,
  epochs,
  metrics,
  retries,
});

async function publish(input: TrainingInput, state: TrainingState): Promise<void> {
  const { step, epochs } = input;
  const { epoch, metrics, best, digest } = state;
  upsertSearchAttributes([
    { key: stageAttribute, value: step },
    { key: epochAttribute, value: epoch },
    { key: bestLossAttribute, value: best.loss },
  ]);
  setCurrentDetails(
    [
      `Epoch ${epoch} of ${epochs}`,
      '',
      '| loss | best loss | learning rate | images/s | state |',
      '| --- | --- | --- | --- | --- |',
      `| ${metrics.loss.toFixed(4)} | ${best.loss.toFixed(4)} (epoch ${best.epoch}) | ${metrics.learningRate.toPrecision(3)} | ${Math.round(metrics.imagesPerSecond)} | \`${digest.slice(0, 12)}\` |`,
    ].join('\n'),
  );
  const { parent } = workflowInfo();
  if (!parent || (epoch % Math.ceil(epochs / maximumProgressSignals) !== 0 && epoch !== epochs)) return;
  await getExternalWorkflowHandle(parent.workflowId)
    .signal(stepProgressSignal, progressOf(input, state))
    // The parent may have ended meanwhile; that is no reason to stop.
    .catch(() => undefined);
}
