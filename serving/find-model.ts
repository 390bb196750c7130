import { type ArtifactRef, artifactRefSchema } from '../contracts/artifacts.ts';
import { checkedName } from '../contracts/checked-name.ts';
import { ContrailError } from '../contracts/errors.ts';
import { runIdSchema } from '../contracts/identifiers.ts';
import { type ModelVersion, modelNameSchema } from '../contracts/models.ts';
import { numbersIn } from '../contracts/numbers-in.ts';
import type { Plan, PlannedStep } from '../contracts/plan.ts';
import { encoderKindNames } from '../contracts/training-kinds.ts';
import { expandPlan } from '../pipelines/language/interpret/expand-plan.ts';
import {
  isBeingRemoved,
  listFolders,
  listModels,
  loadCurrent,
  loadPlan,
  loadRunRecord,
  loadStepResults,
  type Store,
  unlessDamaged,
} from '../store/index.ts';
import { indexMadeWith } from './index-made-with.ts';

/**
 * How a person names a model: by the name that it was promoted under, or by the run that made it; the name of a pipeline stands
 * for the newest of its runs.
 */
export type NamedModel = { readonly model: string } | { readonly run: string; readonly step?: string | undefined };

/** A model that can be put to work. */
export interface UsedModel {
  /** `model` or `run/step`, for messages. */
  readonly name: string;
  /** Null for one of a run. */
  readonly version: number | null;
  readonly run: string;
  readonly encoder: ArtifactRef;
  /** Null where none was trained on the encoder. */
  readonly classifier: ArtifactRef | null;
  /** Of the classifier; null where it was not measured. */
  readonly evaluation: ArtifactRef | null;
  /** What look-alikes are searched in; null where there is none. */
  readonly index: ArtifactRef | null;
  /** What the evaluation measured, by name; null where there is none. */
  readonly metrics: Readonly<Record<string, number | null>> | null;
}

/**
 * Finds the current version of a model, or what a run made: its encoder, the classifier that was trained on it, what was
 * measured of that, and the index of its vectors.
 *
 * @throws ContrailError Usage where there is none, or where it is not clear which is meant
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function findModel(store: Store, named: NamedModel): Promise<UsedModel> {
  return 'model' in named ? findPromoted(store, named.model) : findInRun(store, named.run, named.step);
}

/** The current version of a model. @throws ContrailError Usage where there is none */
export async function currentVersion(store: Store, model: string): Promise<ModelVersion> {
  const current = await loadCurrent(store, checkedName('model name', modelNameSchema, model));
  if (current) return current;
  const names = await listModels(store);
  if (runIdSchema.safeParse(model).success && (await isRunOrPipeline(store, model)))
    throw new ContrailError(
      'Usage',
      `${model} is a run, or a pipeline, and no promoted model. \`contrail models promote ${model} --model <name>\` makes one of a run; a command that takes a run takes it without --model.`,
    );
  throw new ContrailError(
    'Usage',
    `There is no model ${model}. ${names.length > 0 ? `There is: ${names.join(', ')}.` : 'A promote step, or `contrail models promote <run> --model <name>`, makes one.'}`,
  );
}

async function isRunOrPipeline(store: Store, name: string): Promise<boolean> {
  if (await loadPlan(store, name)) return true;
  for (const run of await listFolders(store, 'runs')) {
    if (!runIdSchema.safeParse(run).success) continue;
    const plan = await unlessDamaged(loadPlan(store, run), () => {});
    if (plan?.name === name) return true;
  }
  return false;
}

async function findPromoted(store: Store, model: string): Promise<UsedModel> {
  const { version, run, encoder, classifier, evaluation, index, metrics } = await currentVersion(store, model);
  return {
    ...{ name: model, version, run, encoder, classifier, metrics, index: index ?? null },
    evaluation: evaluation.kind === 'evaluation' ? evaluation : null,
  };
}

interface DoneStep {
  readonly id: string;
  readonly inputs: PlannedStep['inputs'];
  readonly result: Readonly<Record<string, unknown>>;
}

async function findInRun(store: Store, named: string, step: string | undefined): Promise<UsedModel> {
  const { run, plan } = await runOf(store, named);
  const results = await loadStepResults(store, run);
  const { steps } = expandPlan(
    plan,
    Object.fromEntries(Object.entries(results).map(([id, { result }]) => [id, result])),
  ).plan;
  const done = (isWanted: (uses: string) => boolean) =>
    steps.flatMap(({ id, uses, inputs, sweep }): DoneStep[] => {
      // Of a search, what it found.
      const result = sweep === undefined && isWanted(uses) ? results[id]?.result : undefined;
      return result ? [{ id, inputs, result }] : [];
    });
  const chosen = chooseEncoder(
    run,
    step,
    done((uses) => (encoderKindNames as readonly string[]).includes(uses) || uses === 'sweep').filter(
      ({ result: { encoder } }) => encoder !== undefined,
    ),
  );
  const encoder = artifactRefSchema.parse(chosen.result.encoder);
  const probe = done((uses) => uses === 'linear-probe').find(({ inputs }) => inputs.encoder?.step === chosen.id);
  // A training by cross-entropy has a classifier of its own.
  const classified = probe ?? (chosen.result.classifier === undefined ? undefined : chosen);
  const measured = done((uses) => uses === 'evaluate').find(
    ({ inputs }) => classified !== undefined && inputs.classifier?.step === classified.id,
  );
  const metrics = numbersIn(measured?.result ?? {});
  return {
    name: `${run}/${chosen.id}`,
    version: null,
    run,
    encoder,
    classifier: refOf(classified?.result.classifier),
    evaluation: refOf(measured?.result.evaluation),
    index: await indexMadeWith(
      store,
      encoder,
      done(() => true).map(({ result }) => result),
    ),
    metrics: Object.keys(metrics).length > 0 ? metrics : null,
  };
}

/** The run of an id; of a pipeline's name the newest of its runs of which a training has finished. */
async function runOf(store: Store, named: string): Promise<{ readonly run: string; readonly plan: Plan }> {
  const plan = await loadPlan(store, checkedName('run id', runIdSchema, named));
  if (plan) return { run: named, plan };
  let newest: { readonly run: string; readonly plan: Plan; readonly started: string } | null = null;
  for (const run of await listFolders(store, 'runs')) {
    if (!runIdSchema.safeParse(run).success || (await isBeingRemoved(store, run))) continue;
    const found = await loadPlan(store, run);
    if (found?.name !== named) continue;
    const started = (await loadRunRecord(store, run))?.createdAt ?? '';
    const results = await loadStepResults(store, run, () => {});
    const hasEncoder = Object.values(results).some(({ result }) => refIfAny(result.encoder) !== null);
    if (hasEncoder && (newest === null || started > newest.started)) newest = { run, plan: found, started };
  }
  if (newest) return newest;
  if ((await listModels(store)).includes(named))
    throw new ContrailError(
      'Usage',
      `${named} is a promoted model, and no run: name it as \`--model ${named}\`, in a step as \`model: ${named}\`.`,
    );
  throw new ContrailError(
    'Usage',
    `There is no run ${named} in this store, and no pipeline of that name has a run with a finished training. \`contrail list\` shows the runs.`,
  );
}

const refIfAny = (value: unknown): ArtifactRef | null => artifactRefSchema.safeParse(value).data ?? null;

function chooseEncoder(run: string, step: string | undefined, encoders: readonly DoneStep[]): DoneStep {
  const wanted = encoders.filter(({ id }) => step === undefined || id === step);
  const names = encoders.map(({ id }) => id);
  const [chosen] = wanted;
  if (!chosen)
    throw new ContrailError(
      'Usage',
      names.length === 0
        ? `No training of ${run} has finished yet.`
        : `${run} has no finished training or adapter ${step}. There is: ${names.join(', ')}.`,
    );
  if (wanted.length > 1)
    throw new ContrailError('Usage', `${run} has several encoders. Choose one with --step: ${names.join(', ')}.`);
  return chosen;
}

const refOf = (value: unknown): ArtifactRef | null =>
  value === undefined || value === null ? null : artifactRefSchema.parse(value);
