import { artifactRefSchema } from '../../../contracts/artifacts.ts';
import { ContrailError } from '../../../contracts/errors.ts';
import { type Candidate, isSearchMetric, type ModelVersion, type PromotionMetric } from '../../../contracts/models.ts';
import { candidateOf } from '../../../evaluation/promotion/candidate.ts';
import { promoteModel } from '../../../evaluation/promotion/promote.ts';
import { openHome } from '../../../home/home.ts';
import { indexMadeWith } from '../../../serving/index-made-with.ts';
import { loadStepResults, openStore, type Store } from '../../../store/index.ts';
import { checkModelName, checkRunId } from '../../given-names.ts';
import { requireKnownPlan } from '../../known-plan.ts';
import { printJson, say } from '../../output.ts';
import { planByNow } from '../../plan-by-now.ts';
import { tellWithoutIndex } from '../../without-index.ts';

export interface PromoteOptions {
  readonly model: string;
  readonly step?: string;
  readonly metric: PromotionMetric;
  readonly margin: number;
  readonly minimumImages: number;
  readonly unknownOverlap: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

/** `contrail models promote`: by a person, what a promote step does in a run, without measuring anything. */
export async function modelsPromoteCommand(
  run: string,
  { model, step, force, json, metric, ...terms }: PromoteOptions,
): Promise<number> {
  const store = openStore(openHome().storeUrl);
  checkModelName(model);
  const candidate = await measuredModel(
    store,
    checkRunId(run),
    step,
    isSearchMetric(metric) ? 'retrieval' : 'evaluation',
  );
  const remedies: string[] = [];
  const remedy = ({ version, run: other }: ModelVersion) =>
    `This command measures nothing: a promote step in a pipeline measures version ${version} again, on the new test images. \`contrail compare ${run} ${other}\` shows both${isSearchMetric(metric) ? '' : ' on those that they have in common'}.`;
  const promotion = await promoteModel(store, candidate, {
    model,
    metric,
    force,
    judge: async (current) => {
      // What both need is loaded where a version is compared.
      if (isSearchMetric(metric)) {
        const { judgeSearch } = await import('../../../evaluation/promotion/judge-search.ts');
        const measureAgain = async () => {
          remedies.push(remedy(current));
          return current.evaluation.kind === 'retrieval'
            ? `version ${current.version} was measured by another search, or its retrieval does not keep what it found for each query`
            : `version ${current.version} was measured by an evaluation, and has no ${metric}`;
        };
        return judgeSearch(store, candidate, current, { ...terms, metric, measureAgain });
      }
      const { judge } = await import('../../../evaluation/promotion/judge.ts');
      const measureAgain = async ({ version, testSet }: ModelVersion) => {
        remedies.push(remedy(current));
        return testSet === candidate.testSet
          ? `the evaluation of version ${version} does not keep what it said of each test image, or is of other classes`
          : `version ${version} was measured on other test images`;
      };
      return judge(store, candidate, current, { ...terms, metric, measureAgain });
    },
  });
  if (json) printJson({ model, ...promotion });
  else if (promotion.promoted)
    say(
      `${model} is now the model of ${run}, version ${promotion.version}${candidate.index ? ', with the index that it built' : ''}: ${promotion.reason}.`,
    );
  if (promotion.promoted) {
    if (!json) await tellWithoutIndex(store, model, promotion.version);
    return 0;
  }
  const said = [`${model} stays as it is: ${promotion.reason}.`, ...remedies, '--force promotes all the same.'];
  throw new ContrailError('RunFailed', said.join(' '));
}

const makers = { evaluation: 'evaluate', retrieval: 'retrieval' } as const;

/** The model that a step of a run measured, with the index that the run built of its vectors. */
async function measuredModel(
  store: Store,
  run: string,
  step: string | undefined,
  measured: 'evaluation' | 'retrieval',
): Promise<Candidate> {
  const plan = await planByNow(store, run, await requireKnownPlan(store, run));
  const results = await loadStepResults(store, run);
  // One that chooses among others has the result of one of them.
  const by = (kind: typeof measured) =>
    plan.steps.flatMap(({ id, uses }) => {
      const ref = artifactRefSchema.safeParse(results[id]?.result[kind]);
      return (uses !== 'choose' || id === step) && ref.success ? [{ id, ref: ref.data }] : [];
    });
  const found = by(measured);
  const names = found.map(({ id }) => id).join(', ');
  const chosen = found.filter(({ id }) => step === undefined || id === step);
  const [one] = chosen;
  if (!one) {
    const hint =
      measured === 'evaluation' && by('retrieval').length > 0
        ? ' Its retrieval decides with `--metric recallAt1` or `mapAtR`.'
        : '';
    throw new ContrailError(
      'Usage',
      names === ''
        ? `No ${makers[measured]} step of ${run} has finished.${hint}`
        : `${run} has no ${makers[measured]} step ${step}. There is: ${names}.${hint}`,
    );
  }
  if (chosen.length > 1)
    throw new ContrailError('Usage', `${run} has several ${makers[measured]} steps. Choose one with --step: ${names}.`);
  const candidate = await candidateOf(store, { run, step: null }, one.ref);
  const made = plan.steps.flatMap(({ id }) => {
    const stored = results[id];
    return stored ? [stored.result] : [];
  });
  const index = await indexMadeWith(store, candidate.encoder, made);
  return index ? { ...candidate, index } : candidate;
}
