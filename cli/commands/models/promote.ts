import { artifactRefSchema } from '../../../contracts/artifacts.ts';
import { ContrailError } from '../../../contracts/errors.ts';
import type { Candidate, MetricName, ModelVersion } from '../../../contracts/models.ts';
import { candidateOf } from '../../../evaluation/promotion/candidate.ts';
import { promoteModel } from '../../../evaluation/promotion/promote.ts';
import { openHome } from '../../../home/home.ts';
import { loadStepResults, openStore, requirePlan, type Store } from '../../../store/index.ts';
import { checkModelName, checkRunId } from '../../given-names.ts';
import { printJson, say } from '../../output.ts';
import { planByNow } from '../../plan-by-now.ts';

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
  const { judge } = await import('../../../evaluation/promotion/judge.ts');
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
