import { artifactRefSchema } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import {
  type Candidate,
  type MetricName,
  type ModelVersion,
  modelNameSchema,
  type Refusal,
} from '../../contracts/models.ts';
import { candidateOf } from '../../evaluation/promotion/candidate.ts';
import { promoteModel } from '../../evaluation/promotion/promote.ts';
import { rollBackModel } from '../../evaluation/promotion/roll-back.ts';
import { openHome } from '../../home/home.ts';
import {
  listModels,
  loadCurrent,
  loadRefusals,
  loadStepResults,
  loadVersions,
  openStore,
  requirePlan,
  type Store,
  unlessDamaged,
} from '../../store/index.ts';
import { print, printJson, say, table } from '../output.ts';
import { planByNow } from '../plan-by-now.ts';
import { localTime } from '../times.ts';
import { checkRunId } from './run.ts';

/** @throws ContrailError Usage */
function checkModelName(name: string): string {
  const checked = modelNameSchema.safeParse(name);
  if (!checked.success)
    throw new ContrailError('Usage', `The model name ${JSON.stringify(name)} ${checked.error.issues[0]?.message}.`);
  return name;
}

/** The current version of a model. @throws ContrailError Usage when there is none */
export async function currentModel(store: Store, model: string): Promise<ModelVersion> {
  const current = await loadCurrent(store, checkModelName(model));
  if (current) return current;
  const names = await listModels(store);
  throw new ContrailError(
    'Usage',
    `There is no model ${model}. ${names.length > 0 ? `There is: ${names.join(', ')}.` : 'A promote step, or `contrail models promote <run> --model <name>`, makes one.'}`,
  );
}

/** `contrail models ls` */
export async function modelsListCommand({ json }: { readonly json: boolean }): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const models = await Promise.all(
    (await listModels(store)).map(async (name) => {
      const current = await loadCurrent(store, name);
      const refusals = (await unlessDamaged(loadRefusals(store, name), say)) ?? [];
      const refused = refusals.findLast(({ at }) => at > (current?.promotedAt ?? '')) ?? null;
      return current ? [{ ...current, refused }] : [];
    }),
  ).then((found) => found.flat());
  if (json) printJson(models);
  else if (models.length === 0) say('No models yet. A promote step makes one.');
  else {
    print(versionTable(models, { model: ({ model }) => model }));
    for (const { model, version, reason, refused } of models) {
      print(`\n${model}: version ${version} was promoted: ${reason}`);
      if (refused) print(`${model}: since then, ${refusalText(refused)}`);
    }
  }
  return 0;
}

const shownRefusals = 10;

/** `contrail models show` */
export async function modelsShowCommand(model: string, { json }: { readonly json: boolean }): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const current = await currentModel(store, model);
  const versions = await loadVersions(store, model);
  if (json) printJson({ current: current.version, versions, refused: await loadRefusals(store, model) });
  else {
    print(`${model}: version ${current.version} is current, of run ${current.run}`);
    print(versionTable(versions.toReversed()));
    print('\nWhy each was promoted:');
    for (const { version, reason } of versions.toReversed()) print(`  version ${version}: ${reason}`);
    const refused = (await loadRefusals(store, model)).toReversed();
    if (refused.length > 0)
      print(
        `\nNot promoted${refused.length > shownRefusals ? `, the last ${shownRefusals} of ${refused.length}` : ''}:`,
      );
    for (const refusal of refused.slice(0, shownRefusals)) print(`  ${refusalText(refusal)}`);
  }
  return 0;
}

/** Whole sentences are too wide for a column: a terminal wraps them below the table. */
const refusalText = ({ at, run, step, reason }: Refusal): string =>
  `${run} was not promoted${step === null ? ' by hand' : ''} (${localTime(at)}): ${reason}`;

function versionTable(
  versions: readonly ModelVersion[],
  before: Readonly<Record<string, (version: ModelVersion) => string>> = {},
): string {
  const rows = versions.map((each) => {
    const { version, metrics, run, promotedAt } = each;
    const shown = [metrics.top1, metrics.macroF1, metrics.knn].map((value) => value?.toFixed(4) ?? '');
    return [...Object.values(before).map((text) => text(each)), version, ...shown, localTime(promotedAt), run];
  });
  return table([...Object.keys(before), 'version', 'top-1', 'macro F1', 'k-NN', 'since', 'run'], rows);
}

export interface PromoteOptions {
  readonly model: string;
  readonly step?: string;
  readonly metric: MetricName;
  readonly margin: number;
  readonly minimumImages: number;
  readonly unknownOverlap: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

/** `contrail models promote`: by a person, what a promote step does in a run. */
export async function modelsPromoteCommand(
  run: string,
  { model, step, force, json, ...terms }: PromoteOptions,
): Promise<number> {
  const store = openStore(openHome().storeUrl);
  checkModelName(model);
  const candidate = await evaluatedModel(store, checkRunId(run), step);
  const remedies: string[] = [];
  const measureAgain = async ({ version, run: other, testSet }: ModelVersion) => {
    remedies.push(
      `This command measures nothing: a promote step in a pipeline measures version ${version} again, on the new test images. \`contrail compare ${run} ${other}\` shows both on those that they have in common.`,
    );
    return testSet === candidate.testSet
      ? `the evaluation of version ${version} does not keep what it said of each test image`
      : `version ${version} was measured on other test images`;
  };
  const { judge } = await import('../../evaluation/promotion/judge.ts');
  const promotion = await promoteModel(store, candidate, {
    model,
    metric: terms.metric,
    force,
    judge: (current) => judge(store, candidate, current, { ...terms, measureAgain }),
  });
  if (json) printJson({ model, ...promotion });
  else if (promotion.promoted)
    say(`${model} is now the model of ${run}, version ${promotion.version}: ${promotion.reason}.`);
  if (promotion.promoted) return 0;
  const said = [`${model} stays as it is: ${promotion.reason}.`, ...remedies, '--force promotes all the same.'];
  throw new ContrailError('RunFailed', said.join(' '));
}

async function evaluatedModel(store: Store, run: string, step: string | undefined): Promise<Candidate> {
  const plan = await planByNow(store, run, await requirePlan(store, run));
  const results = await loadStepResults(store, run);
  const evaluated = plan.steps.flatMap(({ id }) => {
    const ref = artifactRefSchema.safeParse(results[id]?.result.evaluation);
    return ref.success ? [{ id, ref: ref.data }] : [];
  });
  const names = evaluated.map(({ id }) => id).join(', ');
  const chosen = evaluated.filter(({ id }) => step === undefined || id === step);
  const [one] = chosen;
  if (!one)
    throw new ContrailError(
      'Usage',
      names === '' ? `No evaluate step of ${run} has finished.` : `${run} has no ${step}. There is: ${names}.`,
    );
  if (chosen.length > 1)
    throw new ContrailError('Usage', `${run} has several evaluations. Choose one with --step: ${names}.`);
  return candidateOf(store, { run, step: null }, one.ref);
}

/** `contrail models rollback` */
export async function modelsRollbackCommand(
  model: string,
  { to, json }: { readonly to?: number; readonly json: boolean },
): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const version = await rollBackModel(store, checkModelName(model), to);
  if (json) printJson(version);
  else say(`${model} is again the model of ${version.run}: version ${version.version}, ${version.reason}.`);
  return 0;
}
