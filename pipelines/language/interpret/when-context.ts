import { isMapping, type Json } from '../../../contracts/json.ts';
import type { Plan, PlannedStep } from '../../../contracts/plan.ts';
import type { StepState } from '../../../contracts/status.ts';
import { readWhen, type WhenContext, type WhenStep } from '../expressions/when.ts';
import { isLost, mostLost } from './tolerance.ts';

/** What is known of a step when a `when` is evaluated. */
export interface StepOutcome {
  readonly state: StepState;
  readonly result: Json;
}

/** What `${run.…}` and `run.…` name, for steps of `onFailure` and `finally`. */
export interface RunFacts {
  readonly id: string;
  readonly state: string;
  readonly error: string | null;
}

/** Gathers what the `when` of a step mentions. The steps of a matrix are there by the id of the matrix as well. */
export function whenContext(
  plan: Plan,
  step: PlannedStep,
  outcomes: Readonly<Record<string, StepOutcome>>,
  run?: RunFacts,
): WhenContext {
  const { mentions } = readWhen(step.when ?? 'true');
  /** By step, the fields of its result that are mentioned; null for all. */
  const fields = new Map<string, Set<string> | null>();
  for (const { root, parts } of mentions) {
    const [id, aspect, field] = parts;
    if (root !== 'steps' || id === undefined) continue;
    const named = fields.get(id.name);
    if (named === null || (aspect?.name === 'result' && field === undefined)) fields.set(id.name, null);
    else fields.set(id.name, new Set([...(named ?? []), ...(aspect?.name === 'result' && field ? [field.name] : [])]));
  }
  const steps: Record<string, WhenStep> = {};
  for (const [id, wanted] of fields) {
    const matrix = plan.matrices?.[id];
    const outcome = outcomes[id];
    if (matrix)
      steps[id] = together(
        matrix.members.flatMap((member) => outcomes[member] ?? []),
        wanted,
        matrix.tolerate === undefined ? null : mostLost(matrix),
      );
    else if (outcome) steps[id] = outcome;
  }
  return { params: plan.params, matrix: step.matrix?.values ?? {}, steps, run: run ? { ...run } : {} };
}

/**
 * One outcome for all of a matrix: each field of its result is the list of theirs, in the order of the matrix.
 *
 * @param wanted the only fields that are asked for: hundreds of conditions may ask for the same matrix
 * @param tolerated how many may be lost without a word; null where none may, and then their results are null
 */
function together(
  outcomes: readonly StepOutcome[],
  wanted: ReadonlySet<string> | null,
  tolerated: number | null,
): WhenStep {
  const states = outcomes.map(({ state }) => state);
  const left = states.filter((state) => !isLost(state));
  const counted = tolerated !== null && states.length - left.length <= tolerated ? left : states;
  const shown = tolerated === null ? outcomes : outcomes.filter(({ state }) => state === 'done');
  const results = shown.map(({ result }) =>
    wanted && isMapping(result)
      ? Object.fromEntries(
          [...wanted].flatMap((field) => (Object.hasOwn(result, field) ? [[field, result[field] ?? null]] : [])),
        )
      : result,
  );
  return { state: combinedState(counted), states, result: listOfEach(results) };
}

/** `done` when all are; else the most serious of what became of them. */
export function combinedState(states: readonly StepState[]): StepState {
  const bySeverity: readonly StepState[] = ['failed', 'paused', 'running', 'waiting', 'cancelled', 'skipped', 'done'];
  return bySeverity.find((state) => states.includes(state)) ?? 'done';
}

export function listOfEach(values: readonly Json[]): Json {
  const objects = values.filter(isMapping);
  if (objects.length === 0) return [...values];
  const keys = [...new Set(objects.flatMap((each) => Object.keys(each)))];
  return Object.fromEntries(
    keys.map((key) => [key, listOfEach(values.map((value) => (isMapping(value) ? (value[key] ?? null) : null)))]),
  );
}
