import { isContrailError } from '../../contracts/errors.ts';
import { canonicalJson, type Json } from '../../contracts/json.ts';
import type { ListSource, Plan, PlannedStep } from '../../contracts/plan.ts';
import { stopsAt } from '../../contracts/rung.ts';
import { kindOf } from '../../contracts/step-kinds.ts';
import { changeRule, describeDifference } from '../../contracts/training-changes.ts';
import { isTrainingKind } from '../../contracts/training-kinds.ts';
import { findReferences } from '../../pipelines/language/expressions/references.ts';
import { resolveResults } from '../../pipelines/language/index.ts';
import { openList } from '../../pipelines/language/interpret/expand-lists.ts';
import { expandPlan } from '../../pipelines/language/interpret/expand-plan.ts';
import { listItems } from '../../pipelines/language/interpret/list-items.ts';
import {
  conflictsWith,
  loadStepResults,
  openCheckpoints,
  type Store,
  type StoredStepResult,
} from '../../store/index.ts';
import { settingsToBe } from '../settings-to-be.ts';
import { staleData } from '../stale-data.ts';
import { type CodeReader, changedFiles } from './changed-files.ts';
import { firstOf, type Turn, turnOf } from './conditions.ts';
import { type EarlierResult, expectedSeconds, loadHistory, nearestResult, type Origin } from './history.ts';

/** What a run would do with a step, and why. */
export interface StepOutlook {
  readonly step: string;
  readonly uses: string;
  /** `perhaps`: a condition decides while the run goes on. `refused`: the run would fail on it. */
  readonly decision: 'run' | 'reuse' | 'continue' | 'perhaps' | 'skip' | 'refused';
  readonly reason: string;
  /** Expected, from earlier runs; null where none is like it. */
  readonly seconds: number | null;
}

export interface Outlook {
  /** What would be run, with one step for each item of the lists that are known. */
  readonly plan: Plan;
  readonly steps: readonly StepOutlook[];
  /** The longest chain of steps that wait for each other, as far as it is known. */
  readonly seconds: number;
  /** Steps of which no earlier run says how long they take. */
  readonly unknown: readonly string[];
}

type Values = { readonly [key: string]: Json };

interface Surroundings {
  readonly store: Store;
  /** With one step for each item of the lists that are known so far. */
  plan: Plan;
  readonly history: readonly EarlierResult[];
  readonly resume: { readonly run: string; readonly stored: Readonly<Record<string, StoredStepResult>> } | null;
  /** A result of any run for a fingerprint. */
  readonly cached: (fingerprint: string) => Promise<{ readonly run: string; readonly result: Values } | null>;
  readonly codeFiles: CodeReader;
  /** Results that are known before the run, by step. */
  readonly known: Map<string, Values>;
  /** Whether each step that was looked at comes to its turn. */
  readonly turns: Map<string, Turn>;
}

/**
 * What a run of a plan would do, without doing any of it.
 *
 * @param options.resume the run that would be gone on with
 * @param options.cached finds the result of any run for a fingerprint
 * @param options.codeFiles reads the user's own files that steps run
 * @param options.onDamage is told of damaged results, which count as none; without it, they are errors
 */
export async function lookAhead(
  store: Store,
  written: Plan,
  {
    resume,
    cached,
    onDamage,
    codeFiles = async () => null,
  }: {
    readonly resume?: string;
    readonly cached: Surroundings['cached'];
    readonly onDamage?: (problem: string) => void;
    readonly codeFiles?: CodeReader;
  },
): Promise<Outlook> {
  const around: Surroundings = {
    store,
    plan: written,
    history: await loadHistory(store, onDamage),
    resume: resume === undefined ? null : { run: resume, stored: await loadStepResults(store, resume, onDamage) },
    cached,
    codeFiles,
    known: new Map(),
    turns: new Map(),
  };
  const steps: StepOutlook[] = [];
  for (let index = 0; ; index++) {
    // A list that is known already makes steps in the place of one that comes after its source.
    around.plan = expandPlan(around.plan, Object.fromEntries(around.known)).plan;
    const step = around.plan.steps[index];
    if (!step) break;
    steps.push(await outlookOf(step, around));
  }
  const { plan } = around;
  const counted = steps.filter(({ step }) => roleOf(plan, step) !== 'onFailure');
  return {
    plan,
    steps,
    seconds: longestChain(plan, new Map(counted.map(({ step, seconds }) => [step, seconds ?? 0]))),
    unknown: counted.flatMap(({ step, seconds }) => (seconds === null ? [step] : [])),
  };
}

const roleOf = (plan: Plan, id: string) => plan.steps.find((step) => step.id === id)?.role ?? 'step';

async function outlookOf(step: PlannedStep, around: Surroundings): Promise<StepOutlook> {
  const { plan, turns, known } = around;
  const { turn, reason } = turnOf(step, { plan, turns, results: known });
  turns.set(step.id, turn);
  const about = { step: step.id, uses: step.own?.file ?? step.uses };
  if (turn === 'skip') return { ...about, decision: 'skip', reason, seconds: 0 };
  if (turn === 'fails') return { ...about, decision: 'refused', reason, seconds: null };
  const list = openList(plan, step.id);
  const decided = list ? asManyAs(list, around) : await decide(step, around);
  const seconds = decided.seconds === undefined ? await usualSeconds(step, around, null) : decided.seconds;
  if (turn === 'comes' || decided.decision === 'refused')
    return { ...about, decision: decided.decision, reason: decided.reason, seconds };
  const reasons = step.role === 'onFailure' || decided.comesAfter ? [reason] : [reason, decided.reason];
  return { ...about, decision: 'perhaps', reason: reasons.join('; '), seconds };
}

type Decided = Pick<StepOutlook, 'decision' | 'reason'> & {
  readonly seconds?: number | null;
  /** The reason names steps that it waits for, and no more. */
  readonly comesAfter?: true;
};

/** A step whose list is not known says nothing of how long all its items take. */
const asManyAs = (list: ListSource, { known }: Surroundings): Decided => {
  const items = known.has(list.step) ? listItems(list, known.get(list.step)) : null;
  return items && 'problem' in items
    ? { decision: 'refused', reason: items.problem, seconds: null }
    : { decision: 'run', reason: `as many as ${list.step} gives`, seconds: null };
};

async function decide(step: PlannedStep, around: Surroundings): Promise<Decided> {
  const { resume, known, store } = around;
  const sources = [...new Set([...Object.values(step.inputs).map((input) => input.step), ...referencedSteps(step)])];
  const open = sources.flatMap((id) => membersOf(around.plan, id)).filter((id) => !known.has(id));
  if (open.length > 0) {
    const training = resume ? await continued(step, around) : null;
    return training ?? { decision: 'run', reason: `after ${firstOf(open)}`, comesAfter: true };
  }
  if (findReferences(step.with).some(({ reference }) => reference?.of === 'run'))
    return { decision: 'run', reason: 'it uses what only the run knows' };
  const origin = originOf(step, around);
  if ('mistake' in origin) return { decision: 'refused', reason: origin.mistake, seconds: null };
  const fingerprint = canonicalJson(origin);
  const own = resume?.stored[step.id];
  if (own?.fingerprint === fingerprint) {
    known.set(step.id, own.result);
    const stale = await staleData(store, own);
    const hint = stale === null ? '' : `; ${stale}. \`contrail retry ${resume?.run} ${step.id}\` reads it again`;
    return { decision: 'reuse', reason: `done in this run${hint}`, seconds: 0 };
  }
  const isEffect = kindOf(step).effect === true;
  const hit = step.cache === false || isEffect ? null : await around.cached(fingerprint);
  if (hit) {
    known.set(step.id, hit.result);
    return { decision: 'reuse', reason: `from ${hit.run}`, seconds: 0 };
  }
  const training = resume ? await continued(step, around) : null;
  if (training) return training;
  const nearest = nearestResult(around.history, step.id, origin);
  const seconds = nearest ? await expectedSeconds(store, nearest, epochsOf(step)) : null;
  if (isEffect) return { decision: 'run', reason: 'done in every run, and never taken from an earlier one', seconds };
  if (!nearest) return { decision: 'run', reason: 'nothing like it was done before', seconds };
  const where = `${nearest.earlier.run}${nearest.earlier.step === step.id ? '' : `/${nearest.earlier.step}`}`;
  if (nearest.differences.length === 0)
    return {
      decision: 'run',
      reason:
        step.cache === false
          ? `done anew in every run (cache: false), last in ${where}`
          : `the same as in ${where}, whose result is gone from the cache or damaged`,
      seconds,
    };
  const files = await changedFiles(nearest.earlier.origin.code, origin.code, around.codeFiles);
  const differences = [...files, ...nearest.differences.filter((each) => !each.startsWith('code'))];
  const shown = differences.slice(0, 2).map(shortened).join('; ');
  const more = differences.length > 2 ? `; ${differences.length - 2} more` : '';
  return { decision: 'run', reason: `${shown}${more} (against ${where})`, seconds };
}

const referencedSteps = (step: PlannedStep): string[] =>
  findReferences(step.with).flatMap(({ reference }) => (reference?.of === 'steps' ? [reference.step] : []));

const membersOf = (plan: Plan, id: string): readonly string[] => plan.matrices?.[id]?.members ?? [id];

/** What the step's result will follow from, as the run itself will put it together. */
function originOf(step: PlannedStep, { known, plan }: Surroundings): Origin | { readonly mistake: string } {
  const results = Object.fromEntries(known) as Record<string, Json>;
  const inputs = Object.fromEntries(
    Object.entries(step.inputs).map(([name, { step: source, field }]) => [name, known.get(source)?.[field] ?? null]),
  );
  try {
    const resolved = resolveResults(step.with, results, { matrices: plan.matrices, matrix: step.matrix?.values });
    const isOpen = step.sweep !== undefined || findReferences(step.with).length > 0;
    const parameters = isOpen ? kindOf(step).parameters.parse(resolved) : resolved;
    const given = JSON.parse(JSON.stringify(parameters)) as Values;
    return {
      uses: step.uses,
      version: step.version,
      with: given,
      inputs,
      ...(step.code ? { code: step.code } : {}),
      ...stopsAt(step.rung?.until, given),
    };
  } catch (error) {
    if (isContrailError(error)) return { mistake: error.message };
    return { mistake: `its parameters are not valid: ${error instanceof Error ? error.message : String(error)}` };
  }
}

const epochsOf = ({ uses, with: parameters, rung }: PlannedStep): number | null =>
  isTrainingKind(uses) && typeof parameters.epochs === 'number' ? (rung?.until ?? parameters.epochs) : null;

/** A training goes on from the checkpoints of the run that is resumed, if they belong to it. */
async function continued(step: PlannedStep, around: Surroundings): Promise<Decided | null> {
  const epochs = epochsOf(step);
  if (!around.resume || epochs === null) return null;
  const key = { run: around.resume.run, step: step.id };
  const { newest } = await openCheckpoints(around.store, key).newestValid({
    upTo: { epoch: epochs, step: 0 },
    wholeEpochs: true,
  });
  if (!newest) return null;
  const { epoch, config } = newest.manifest;
  const settings: Values = {
    ...settingsToBe(step, Object.fromEntries(around.known), config),
    dataset: config.dataset ?? null,
  };
  const names = [...new Set([...Object.keys(config), ...Object.keys(settings)])].filter(
    (name) => changeRule(name, {}).rule !== 'always',
  );
  const now = Object.fromEntries(names.map((name) => [name, settings[name] ?? null]));
  const conflicts = conflictsWith(newest.manifest, now as Record<string, Json>);
  if (conflicts.length > 0) {
    const reason = conflicts.slice(0, 2).map(describeDifference).map(shortened).join('; ');
    return { decision: 'refused', reason, seconds: null };
  }
  const left = Math.max(0, epochs - epoch);
  return {
    decision: 'continue',
    reason: left === 0 ? 'every epoch is done; the encoder is left' : `at epoch ${epoch + 1} of ${epochs}`,
    seconds: await usualSeconds(step, around, left),
  };
}

/** By the step most like it, whatever its inputs. */
async function usualSeconds(step: PlannedStep, { store, history }: Surroundings, epochs: number | null) {
  const nearest = nearestResult(history, step.id, { uses: step.uses, with: step.with });
  return nearest ? expectedSeconds(store, nearest, epochs ?? epochsOf(step)) : null;
}

const shortened = (line: string) => line.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…');

function longestChain(plan: Plan, seconds: ReadonlyMap<string, number>): number {
  const ends = new Map<string, number>();
  for (const { id, needs } of plan.steps)
    ends.set(id, Math.max(0, ...needs.map((need) => ends.get(need) ?? 0)) + (seconds.get(id) ?? 0));
  return Math.max(0, ...ends.values());
}
