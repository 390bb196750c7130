import { hostname } from 'node:os';
import { z } from 'zod';
import { digestSchema } from '../contracts/artifacts.ts';
import type { CheckpointManifest, EpochMetrics } from '../contracts/checkpoints.ts';
import { ContrailError } from '../contracts/errors.ts';
import { plannedStepIdSchema, runIdSchema, type StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import {
  changeRule,
  type Difference,
  describeDifference,
  differencesOf,
  effectiveParameters,
  segmentsOf,
  type TrainingChange,
  trainingChangeSchema,
} from '../contracts/training-changes.ts';
import { newWatch, observe, type Watch, watchRules } from '../contracts/watch.ts';
import {
  type Checkpoints,
  configMismatch,
  loadChanges,
  loadEpochMetrics,
  openCheckpoints,
  type Store,
  saveChanges,
  saveEpochMetrics,
  takeTraining,
} from '../store/index.ts';
import type { ActivityContext } from './context.ts';
import { requireFewClasses, requireLabels, requirePairs } from './require-pairs.ts';
import { trainingStepInputSchema } from './step-input.ts';
import { splitParameters } from './training.ts';

/** The checkpoint of another run that a training goes on from. */
const startFromSchema = z.strictObject({
  run: runIdSchema,
  step: plannedStepIdSchema,
  epoch: z.int().positive(),
});
export type StartFrom = z.infer<typeof startFromSchema>;

/** A step that stopped at a rung of a sweep, where this one goes on. */
const continuesSchema = startFromSchema.extend({ digest: digestSchema });

export const openTrainingInput = trainingStepInputSchema.extend({
  /** A person agreed to a changed config. */
  accept: z.boolean(),
  startFrom: startFromSchema.optional(),
  continues: continuesSchema.optional(),
  /** The training stops after this epoch. */
  until: z.int().positive().optional(),
});
export type OpenTrainingInput = z.input<typeof openTrainingInput>;

/** State at the end of an epoch that the training can go back to. */
export interface EpochMark {
  readonly epoch: number;
  readonly digest: string;
  readonly metrics: EpochMetrics;
  readonly best: { readonly epoch: number; readonly loss: number };
}

export interface OpenedTraining {
  /** The newest finished epoch whose checkpoint verifies; null when there is none. */
  readonly found: EpochMark | null;
  /** Of the plan, with what changed while the training ran. */
  readonly parameters: { readonly [key: string]: Json };
  readonly changes: readonly TrainingChange[];
  readonly watch: Watch;
  readonly marks: readonly EpochMark[];
}

/**
 * Finds where a training stands that an earlier attempt, or another run, began, and checks that it may go on with these
 * parameters. What differs from before is recorded with the training.
 *
 * @throws ContrailError ConfigMismatch for a difference that is not allowed, or wants consent
 * @throws ContrailError InvalidInput when it has gone past its last epoch already, or has no pair, or no labels, to learn from
 */
export async function openTraining({ store }: ActivityContext, input: OpenTrainingInput): Promise<OpenedTraining> {
  const parsed = openTrainingInput.parse(input);
  const { run, step, uses, dataset, parameters: planned, accept, startFrom, continues, until } = parsed;
  const key = { run, step };
  const checkpoints = openCheckpoints(store, key);
  if (startFrom) await takeOver(store, key, startFrom, checkpoints);
  else if (continues) await goOnFrom(store, key, continues, checkpoints);
  const changes = await loadChanges(store, key);
  const parameters = effectiveParameters(planned, changes);
  const epochs = Math.min(Number(parameters.epochs), until ?? Number.POSITIVE_INFINITY);
  const { newest } = await checkpoints.newestValid({ upTo: { epoch: epochs, step: 0 }, wholeEpochs: true });
  const found = newest && markOf(newest.manifest);
  await requireNotPast(checkpoints, key, found?.epoch ?? 0, epochs);
  const settings = splitParameters(uses, parameters).config;
  await requireLabels(store, dataset, settings);
  await requireFewClasses(store, dataset, settings);
  if (!found && uses === 'pretrain') await requirePairs(store, dataset, settings, parameters);
  if (!newest || !found) return { found: null, parameters, changes, watch: newWatch, marks: [] };

  const config = JSON.parse(JSON.stringify({ dataset: dataset.digest, ...settings })) as Record<string, Json>;
  const segment = segmentsOf(config, changes).find(({ through }) => found.epoch <= through);
  const expected = segment ? { dataset: segment.dataset.digest, ...segment.config } : config;
  const differences = differencesOf(newest.manifest.config as Json, expected);
  // A fork is the consent to what it changes; what a later resume changes is not.
  const isFork = startFrom?.epoch === found.epoch;
  requireAllowed(differences, config, accept || isFork);
  const added = differences.map(
    (difference): TrainingChange => ({
      after: found.epoch,
      ...difference,
      by: isFork ? 'fork' : 'resume',
      why: isFork ? `forked from ${startFrom.run}` : 'resumed with another config',
    }),
  );
  if (added.length > 0) await saveChanges(store, key, [...changes, ...added]);
  const watch = await watchUpTo(store, key, found.epoch, parameters);
  const wanted = [found.epoch, found.best.epoch, found.epoch - watch.collapsed, watch.step?.epoch, watch.lowest?.epoch];
  const marks = (await checkpoints.list()).flatMap(({ manifest }) => {
    const mark = manifest.step === 0 && wanted.includes(manifest.epoch) ? markOf(manifest) : null;
    return mark ? [mark] : [];
  });
  return { found, parameters, changes: [...changes, ...added], watch, marks };
}

const markOf = ({ epoch, digest, metrics, best }: CheckpointManifest): EpochMark | null =>
  metrics && best ? { epoch, digest, metrics, best } : null;

function requireAllowed(differences: readonly Difference[], config: Readonly<Record<string, Json>>, agreed: boolean) {
  const never = differences.filter(({ path }) => changeRule(path, config).rule === 'never');
  if (never.length > 0)
    throw new ContrailError(
      'ConfigMismatch',
      `This cannot change under a training that has checkpoints; start a new run:\n${never.map((each) => `  ${describeDifference(each)}: ${changeRule(each.path, config).reason}`).join('\n')}`,
    );
  const next = differences.filter(({ path }) => changeRule(path, config).rule === 'next');
  if (next.length > 0 && !agreed) throw configMismatch(next);
}

/** Checkpoints past the last epoch would take the place of those that the training makes now. */
async function requireNotPast(checkpoints: Checkpoints, { run, step }: StepKey, found: number, epochs: number) {
  const kept = (await checkpoints.list()).map(({ manifest }) => manifest.epoch);
  if (found === epochs || Math.max(0, ...kept) <= epochs) return;
  throw new ContrailError(
    'InvalidInput',
    `${run}/${step} has been trained past epoch ${epochs} already, and the checkpoint of that epoch is not kept. Kept are those of epochs ${[...new Set(kept)].join(', ')}.`,
  );
}

/** Copies a checkpoint of another run, with what led to it, unless that was done before. */
async function takeOver(
  store: Store,
  key: StepKey,
  { epoch, ...origin }: StartFrom,
  checkpoints: Checkpoints,
): Promise<void> {
  const { newest } = await checkpoints.newestValid({ wholeEpochs: true });
  if (newest && newest.manifest.epoch >= epoch) return;
  const from = openCheckpoints(store, origin);
  const found = await from.newestValid({ upTo: { epoch, step: 0 }, wholeEpochs: true });
  if (found.newest?.manifest.epoch !== epoch)
    throw new ContrailError(
      'CorruptCheckpoint',
      `${origin.run}/${origin.step} has no sound checkpoint of epoch ${epoch} to fork from; \`contrail checkpoints ${origin.run}\` lists those it has.`,
    );
  await copyTraining(store, { key, origin, epoch, name: found.newest.name }, checkpoints, ({ after }) => after < epoch);
}

/**
 * Copies the checkpoint that a step stopped at, bit for bit, with what led to it. Where it is gone, or damaged, the newest before it does, or
 * none: the epochs are trained again.
 */
async function goOnFrom(
  store: Store,
  key: StepKey,
  { epoch, digest, ...origin }: z.infer<typeof continuesSchema>,
  checkpoints: Checkpoints,
): Promise<void> {
  const own = (await checkpoints.newestValid({ wholeEpochs: true })).newest?.manifest.epoch ?? 0;
  const { newest } = await openCheckpoints(store, origin).newestValid({
    upTo: { epoch, step: 0 },
    wholeEpochs: true,
    belongs: (manifest) => manifest.epoch < epoch || manifest.digest === digest,
  });
  const reached = newest?.manifest.epoch ?? 0;
  if (!newest || own >= reached) return;
  const of = { key, origin, epoch: reached, name: newest.name };
  await copyTraining(store, of, checkpoints, ({ after }) => after <= reached);
}

/** Copies a checkpoint of another training, its epochs' metrics, and the changes that count. */
async function copyTraining(
  store: Store,
  {
    key,
    origin,
    epoch,
    name,
  }: { readonly key: StepKey; readonly origin: StepKey; readonly epoch: number; readonly name: string },
  checkpoints: Checkpoints,
  counts: (change: TrainingChange) => boolean,
): Promise<void> {
  for (const line of await loadEpochMetrics(store, origin))
    if (line.epoch <= epoch) await saveEpochMetrics(store, key, line);
  await saveChanges(store, key, (await loadChanges(store, origin)).filter(counts));
  const lease = await takeTraining(store, key, `${hostname()} pid ${process.pid}`);
  await checkpoints.adopt(lease, origin, name);
}

async function watchUpTo(
  store: Store,
  key: StepKey,
  epoch: number,
  parameters: Readonly<Record<string, Json>>,
): Promise<Watch> {
  const rules = watchRules(parameters);
  const lines = (await loadEpochMetrics(store, key)).filter((line) => line.epoch <= epoch);
  return lines.reduce((watch, line) => observe(watch, line, rules).watch, newWatch);
}

export const recordChangesInput = trainingStepInputSchema.pick({ run: true, step: true }).extend({
  changes: z.array(trainingChangeSchema),
  /** The training goes back to the end of this epoch: what comes after it is given up. */
  discardAfter: z.int().nonnegative().optional(),
});
export type RecordChangesInput = z.input<typeof recordChangesInput>;

/** Records what was changed under a training, so that a resume knows it. */
export async function recordChanges({ store }: ActivityContext, input: RecordChangesInput): Promise<void> {
  const { run, step, changes, discardAfter } = recordChangesInput.parse(input);
  await saveChanges(store, { run, step }, changes);
  if (discardAfter === undefined) return;
  const lease = await takeTraining(store, { run, step }, `${hostname()} pid ${process.pid}`);
  await openCheckpoints(store, { run, step }).discardAfter(lease, discardAfter);
}
