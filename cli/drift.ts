import type { Json } from '../contracts/json.ts';
import type { Plan, PlannedStep } from '../contracts/plan.ts';
import { changeRule, type Difference, differencesOf, effectiveParameters } from '../contracts/training-changes.ts';
import { isTrainingKind } from '../contracts/training-kinds.ts';
import { following } from '../pipelines/language/interpret/following.ts';
import {
  loadChanges,
  loadRunRecord,
  loadStepResult,
  loadStepResults,
  type NamedManifest,
  openCheckpoints,
  type Store,
  unlessDamaged,
} from '../store/index.ts';
import { say } from './output.ts';
import { planByNow } from './plan-by-now.ts';
import { settingsToBe } from './settings-to-be.ts';
import { table } from './table.ts';

/** Something that is not what it was when the run last went on, and what follows from that. */
export interface Drift {
  readonly what: string;
  readonly before: Json;
  readonly now: Json;
  readonly effect: string;
  /** `consent`: only if a person agrees. `refused`: not even then. */
  readonly needs: 'nothing' | 'consent' | 'refused';
}

/**
 * What has changed under a run that is to be gone on with.
 *
 * @param plans as it was last started, and as it is to go on
 * @param environment of this installation
 * @param at where a training goes on that does not from its newest checkpoint
 */
export async function driftOf(
  store: Store,
  run: string,
  plans: { readonly before: Plan; readonly now: Plan },
  environment: Readonly<Record<string, string>>,
  at?: { readonly step: string; readonly epoch: number },
): Promise<readonly Drift[]> {
  const [before, now] = [await planByNow(store, run, plans.before), await planByNow(store, run, plans.now)];
  const left = await whatIsLeft(store, run, now);
  const record = await loadRunRecord(store, run);
  const old = record?.resumes?.at(-1)?.environment ?? record?.environment ?? {};
  const computed = [
    ...left.trained.map(({ step, newest }) => `${step.id} to epoch ${newest.manifest.epoch}`),
    ...left.finished.filter((id) => !left.trained.some(({ step }) => step.id === id)),
  ];
  const surroundings = differencesOf(old, { ...environment })
    .filter(({ from }) => from !== null)
    .map(({ path, from, to }): Drift => {
      const effect = computed.length > 0 ? `made with the old: ${shortList(computed)}` : 'nothing was made yet';
      return { what: path, before: from, now: to, effect, needs: computed.length > 0 ? 'consent' : 'nothing' };
    });
  const trainings = await Promise.all(
    left.trained.map((each) => trainingDrift(store, run, now, { ...each, results: left.results }, at)),
  );
  const others = now.steps.flatMap((step) =>
    left.trained.some((each) => each.step.id === step.id) ? [] : stepDrift(before, now, step, left),
  );
  return [...surroundings, ...others, ...trainings.flat()];
}

interface Trained {
  readonly step: PlannedStep;
  readonly newest: NamedManifest;
}

interface Left {
  readonly results: Readonly<Record<string, Json | undefined>>;
  readonly finished: readonly string[];
  readonly trained: readonly Trained[];
}

/** What earlier attempts of the run left. */
async function whatIsLeft(store: Store, run: string, { steps }: Plan): Promise<Left> {
  const results = await loadStepResults(store, run, say);
  const trained = await Promise.all(
    steps.map(async (step): Promise<Trained[]> => {
      if (!isTrainingKind(step.uses)) return [];
      const kept = await openCheckpoints(store, { run, step: step.id }).list();
      const newest = kept.filter(({ manifest }) => manifest.step === 0).at(-1);
      return newest ? [{ step, newest }] : [];
    }),
  );
  return {
    results: Object.fromEntries(Object.entries(results).map(([id, { result }]) => [id, result])),
    finished: steps.flatMap(({ id }) => (results[id] ? [id] : [])),
    trained: trained.flat(),
  };
}

/** What a checkpoint was trained with, or is to be now: a setting that is absent in one may stand in the other. */
const namesIn = (...configs: readonly Readonly<Record<string, Json>>[]) =>
  [...new Set(configs.flatMap((each) => Object.keys(each)))].filter(
    (name) => name !== 'dataset' && changeRule(name, {}).rule !== 'always',
  );

async function trainingDrift(
  store: Store,
  run: string,
  plan: Plan,
  { step, newest, results }: Trained & Pick<Left, 'results'>,
  at?: { readonly step: string; readonly epoch: number },
): Promise<Drift[]> {
  const { config } = newest.manifest;
  const epoch = at?.step === step.id ? at.epoch : newest.manifest.epoch;
  const changes = await loadChanges(store, { run, step: step.id });
  const parameters = effectiveParameters(settingsToBe(step, results, config), changes);
  const names = namesIn(config, parameters);
  const from = step.inputs.dataset?.step;
  const reading = from === undefined ? Promise.resolve(null) : loadStepResult(store, { run, step: from });
  // What is damaged has been said above.
  const data = await unlessDamaged(reading, () => {});
  const dataset = data?.result[step.inputs.dataset?.field ?? 'dataset'];
  const digest = typeof dataset === 'object' && dataset !== null && 'digest' in dataset ? dataset.digest : undefined;
  const differences = differencesOf(
    config as Json,
    {
      dataset: digest ?? config.dataset ?? null,
      ...Object.fromEntries(names.map((name) => [name, parameters[name] ?? null])),
    } as Json,
  ).filter(({ to }) => !JSON.stringify(to).includes('${'));
  const follows = followers(plan, step.id);
  const again = follows.length > 0 ? `; again: ${shortList(follows)}` : '';
  return differences.map(({ path, from, to }): Drift => {
    const { rule, reason } = changeRule(path, parameters);
    const what = `${step.id}.${path}`;
    if (rule === 'never')
      return { what, before: from, now: to, effect: `all epochs of ${step.id}: ${reason}`, needs: 'refused' };
    if (rule === 'next')
      return {
        what,
        before: from,
        now: to,
        effect: `holds from epoch ${epoch + 1} of ${step.id} on: ${reason}${again}`,
        needs: 'consent',
      };
    const ends = Number(to) > epoch ? `${step.id} goes on from epoch ${epoch}` : `${step.id} ends at epoch ${to}`;
    return { what, before: from, now: to, effect: `${ends}${again}`, needs: 'nothing' };
  });
}

/** A step that is done in one piece is simply done again; data that becomes other data concerns who trained on it. */
function stepDrift(before: Plan, now: Plan, step: PlannedStep, { finished, trained }: Left): Drift[] {
  const old = before.steps.find(({ id }) => id === step.id);
  if (!old || !finished.includes(step.id)) return [];
  const follows = followers(now, step.id);
  const concerned = trained.filter(({ step: each }) => step.uses === 'prepare-data' && follows.includes(each.id));
  return differencesOf(old.with, step.with).map(
    ({ path, from, to }: Difference): Drift => ({
      what: `${step.id}.${path}`,
      before: from,
      now: to,
      effect:
        concerned.length > 0
          ? `other data from ${concerned.map(({ step: each, newest }) => `epoch ${newest.manifest.epoch + 1} of ${each.id}`).join(', ')} on; again: ${shortList([step.id, ...follows])}`
          : `again: ${shortList([step.id, ...follows])}`,
      needs: concerned.length > 0 ? 'consent' : 'nothing',
    }),
  );
}

/** The steps that need one, directly or not. */
const followers = (plan: Plan, id: string) => [...following(plan, [id])].filter((each) => each !== id);

const shownNames = 5;
const shortList = (names: readonly string[]) =>
  `${names.slice(0, shownNames).join(', ')}${names.length > shownNames ? `, ${names.length - shownNames} more` : ''}`;

/** For people: what, before, now, what follows. */
export const driftTable = (drift: readonly Drift[]): string =>
  table(
    ['what', 'before', 'now', 'what follows'],
    drift.map(({ what, before, now, effect }) => [what, short(before), short(now), effect]),
  );

const short = (value: Json): string =>
  value === null
    ? ''
    : (typeof value === 'string' ? value : JSON.stringify(value)).replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, '$1…');
