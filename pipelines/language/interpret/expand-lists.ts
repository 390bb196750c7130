import type { Json } from '../../../contracts/json.ts';
import { jsonSize } from '../../../contracts/json-size.ts';
import { formatBytes, limits } from '../../../contracts/limits.ts';
import type { ListSource, Matrix, Plan, PlannedStep } from '../../../contracts/plan.ts';
import { findReferences, formatReference, lookUp, substitute } from '../expressions/references.ts';
import { listItems } from './list-items.ts';
import { namedStep, withNames } from './rename-steps.ts';

/** A plan whose lists are there, and what is wrong with lists: by the step that goes over them, a sentence. */
export interface Expansion {
  readonly plan: Plan;
  readonly problems: ReadonlyMap<string, string>;
}

/** The list that a step goes over, while it stands for all its items; undefined for any other step. */
export const openList = ({ matrices }: Plan, id: string): ListSource | undefined =>
  // One of a matrix has another id than its matrix.
  matrices?.[id]?.list;

/**
 * Puts, in the place of each step that goes over a list which is there, one step for each item. It follows from the plan and the
 * results alone, so a run, its replay, and whoever reads its plan from the store later have the same steps.
 *
 * @param results of the steps that are done
 * @param mayExpand leaves a step as it is, one that waits for a person say
 */
export function expandLists(
  plan: Plan,
  results: Readonly<Record<string, Json | undefined>>,
  mayExpand: (id: string) => boolean = () => true,
): Expansion {
  const problems = new Map<string, string>();
  const isThere = (id: string) => results[openList(plan, id)?.step ?? ''] !== undefined && mayExpand(id);
  if (!plan.steps.some(({ id }) => isThere(id))) return { plan, problems };
  const matrices: Record<string, Matrix> = { ...plan.matrices };
  const isOpen = (id: string) => matrices[id]?.list !== undefined && matrices[id].members[0] === id;
  const room = {
    steps: limits.plannedSteps - plan.steps.length,
    needs: limits.plannedNeeds - plan.steps.reduce((sum, { needs }) => sum + needs.length, 0),
    bytes: limits.listedBytes,
  };
  const steps: PlannedStep[] = [];
  for (const step of plan.steps) {
    const list = isOpen(step.id) ? matrices[step.id]?.list : undefined;
    const isOfSame = (id: string) => list !== undefined && matrices[id]?.list?.root === list.root;
    // What it needs of the same list is its own counterpart, which must be there first.
    const made =
      list && isThere(step.id) && !step.needs.some((need) => isOfSame(need) && isOpen(need))
        ? stepsFor(step, list, results[list.step], isOfSame, matrices)
        : null;
    if (made && 'problem' in made) problems.set(step.id, made.problem);
    if (!made || 'problem' in made) {
      const needs = step.needs.flatMap((need) => (isOfSame(need) ? [need] : (matrices[need]?.members ?? [need])));
      steps.push(needs.every((need, at) => need === step.needs[at]) ? step : { ...step, needs });
      continue;
    }
    const joins = plan.steps.filter(({ needs }) => needs.includes(step.id)).length;
    const excess = takeRoom(room, made.steps, joins);
    if (excess === null) {
      steps.push(...made.steps);
      matrices[step.id] = { ...matrices[step.id], members: made.steps.map(({ id }) => id) };
    } else {
      problems.set(step.id, `With the ${made.steps.length} items of its list, ${excess}.`);
      steps.push(step);
    }
  }
  const isChanged = steps.some((step, at) => step !== plan.steps[at]);
  return { plan: isChanged ? { ...plan, steps, matrices } : plan, problems };
}

/**
 * Takes what steps take of what there is room for; what is too much, as the middle of a sentence.
 *
 * @param joins how many steps need all of them
 */
function takeRoom(
  room: { steps: number; needs: number; bytes: number },
  made: readonly PlannedStep[],
  joins: number,
): string | null {
  room.steps -= made.length - 1;
  room.needs -= made.reduce((sum, { needs }) => sum + needs.length, joins * made.length);
  // Most share their parameters.
  for (const parameters of new Set(made.map((each) => each.with))) room.bytes -= jsonSize(parameters, room.bytes);
  if (room.steps < 0) return `the run would have more than ${limits.plannedSteps} steps, which is the limit`;
  if (room.needs < 0) return `the steps would have more than ${limits.plannedNeeds} needs, which is the limit`;
  return room.bytes < 0
    ? `the parameters of its steps would have more than ${formatBytes(limits.listedBytes)}, which is the limit`
    : null;
}

/** One step for each item, or what is wrong with the list. */
function stepsFor(
  step: PlannedStep,
  list: ListSource,
  result: Json | undefined,
  isOfSame: (id: string) => boolean,
  matrices: Readonly<Record<string, Matrix>>,
): { readonly steps: readonly PlannedStep[] } | { readonly problem: string } {
  const items = listItems(list, result);
  if ('problem' in items) return items;
  const references = findReferences(step.with).flatMap(({ reference }) => reference ?? []);
  const fields = references.filter(({ of }) => of === 'matrix').map(({ path }) => path);
  const usesCounterparts = references.some((reference) => reference.of === 'steps' && isOfSame(reference.step));
  const steps: PlannedStep[] = [];
  for (const [index, item] of items.entries()) {
    const values = { [list.name]: item.value };
    const missing = fields.find((path) => lookUp(values, path) === undefined);
    if (missing)
      return {
        problem: `The matrix goes over ${list.path.join('.')} of step ${list.step}, and its item ${index + 1} has no ${missing.slice(1).join('.')}, which ${step.id} uses.`,
      };
    const idOf = (id: string) => (isOfSame(id) ? `${id}@${item.id}` : id);
    steps.push({
      ...step,
      id: `${step.id}@${item.id}`,
      needs: step.needs.flatMap((need) => (isOfSame(need) ? [idOf(need)] : (matrices[need]?.members ?? [need]))),
      with: usesCounterparts ? ofCounterparts(step.with, idOf) : step.with,
      inputs: Object.fromEntries(
        Object.entries(step.inputs).map(([name, input]) => [name, { ...input, step: idOf(input.step) }]),
      ),
      ...(step.when === undefined ? {} : { when: ownWhen(step.when, idOf) }),
      matrix: { of: step.id, values },
    });
  }
  return { steps };
}

/**
 * Parameters whose references to steps of the same list are those to the counterpart. The item itself is not put in: it is data, and
 * a text in it that looks like a reference must not become one.
 */
const ofCounterparts = (parameters: PlannedStep['with'], idOf: (id: string) => string): PlannedStep['with'] =>
  substitute(parameters, (reference) =>
    reference.of === 'steps' ? formatReference({ ...reference, step: idOf(reference.step) }) : undefined,
  ) as PlannedStep['with'];

const ownWhen = (when: string, idOf: (id: string) => string) =>
  withNames(when, ({ root, parts: [first] }) =>
    root === 'steps' && first && idOf(first.name) !== first.name ? namedStep(idOf(first.name)) : null,
  );
