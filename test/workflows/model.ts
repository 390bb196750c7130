import fc from 'fast-check';
import type { Json } from '../../contracts/json.ts';
import type { Matrix, Plan, PlannedStep } from '../../contracts/plan.ts';
import type { StepState } from '../../contracts/status.ts';
import { expandLists } from '../../pipelines/language/interpret/expand-lists.ts';
import { type Behaviour, itemsOf, listStep, planOf, step } from './interpreter.ts';

/** Random pipelines, and what must become of their steps. */
export interface RandomRun {
  readonly plan: Plan;
  readonly behaviours: Readonly<Record<string, Behaviour>>;
  /** Milliseconds until the run is cancelled, and then resumed. */
  readonly cancelAfter: number | null;
}

const behaviours = fc.record<Behaviour>({
  failures: fc.constantFrom(0, 0, 0, 0, 1, 2),
  broken: fc.constantFrom(false, false, false, false, false, false, false, true),
  ms: fc.constantFrom(0, 0, 5, 40),
});

const drawnStep = fc.record({
  needs: fc.array(fc.nat({ max: 39 }), { maxLength: 3 }),
  behaviour: behaviours,
  /** From a small pool, so that steps of other runs have the same fingerprint. */
  value: fc.nat({ max: 30 }),
  when: fc.constantFrom('none', 'none', 'none', 'result', 'failed', 'never'),
  members: fc.constantFrom(1, 1, 1, 1, 1, 3),
  /** Goes over the list that its first need gives, or has the items of it where that goes over a list itself. */
  listed: fc.boolean(),
  maxParallel: fc.constantFrom(undefined, 1, 2),
  tolerate: fc.constantFrom(undefined, undefined, 1, 0.5),
});

const mostItems = 3;
/** What a step of a test gives, as far as it matters here. */
export const resultOf = ({ with: { command } }: PlannedStep): { [key: string]: Json } =>
  command ? { items: itemsOf((command as number[])[0] ?? 0) } : {};

/** A plan as a run has it in the end. */
export const planWith = (plan: Plan, states: Readonly<Record<string, StepState>>): Plan =>
  expandLists(
    plan,
    Object.fromEntries(plan.steps.flatMap((step) => (states[step.id] === 'done' ? [[step.id, resultOf(step)]] : []))),
    // One that was given up before its list was there stands for itself.
    (id) => states[id] === undefined,
  ).plan;

export const randomRuns = fc
  .record({
    drawn: fc.oneof(
      { weight: 4, arbitrary: fc.array(drawnStep, { minLength: 1, maxLength: 8, size: 'max' }) },
      { weight: 1, arbitrary: fc.array(drawnStep, { minLength: 8, maxLength: 26, size: 'max' }) },
    ),
    handlers: fc.boolean(),
    cancelAfter: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat({ max: 400 }) }),
  })
  .map(({ drawn, handlers, cancelAfter }): RandomRun => {
    const steps: PlannedStep[] = [];
    const behaviourOf: Record<string, Behaviour> = {};
    const matrices: NonNullable<Plan['matrices']> = {};
    const membersOf: string[][] = [];
    let most = 0;
    for (const [index, one] of drawn.entries()) {
      const { needs, behaviour, value, when, listed, maxParallel, tolerate } = one;
      const id = `s${index}`;
      const named = [...new Set(needs.filter((need) => need < index))];
      const first = named[0];
      const before = matrices[`s${first}`];
      const root = before ? before.list?.root : id;
      const isListed = listed && first !== undefined && root !== undefined;
      const members = isListed ? 1 : one.members;
      const ids = members > 1 ? Array.from({ length: members }, (_, member) => `${id}@${member}`) : [id];
      most += isListed ? mostItems : ids.length;
      if (most > 38) break;
      const source = before?.list?.step ?? `s${first}`;
      const list = isListed ? { list: { step: source, path: ['items'], name: 'item', root } } : {};
      const needed = [...new Set([...named.flatMap((need) => membersOf[need] ?? []), ...(isListed ? [source] : [])])];
      membersOf.push(ids);
      const condition =
        first === undefined || when === 'none'
          ? undefined
          : when === 'result'
            ? `steps.s${first}.state == "done" ? true : false`
            : when === 'failed'
              ? `steps.s${first}.state == "failed"`
              : 'false';
      // What is tolerated is that one is lost.
      const behaviourOfMember = (member: number): Behaviour =>
        tolerate === undefined || member === 0 ? behaviour : { ...behaviour, failures: 0, broken: false };
      if (isListed)
        for (let item = 0; item < mostItems; item++) behaviourOf[`${id}@item=i${item}`] = behaviourOfMember(item);
      for (const [member, memberId] of ids.entries()) {
        behaviourOf[memberId] = behaviourOfMember(member);
        steps.push(
          step(memberId, needed, {
            value: value + member / 10,
            ...(condition === undefined ? {} : { when: condition }),
            ...(members > 1 ? { matrix: { of: id, values: { member } } } : {}),
          }),
        );
      }
      if (members > 1 || isListed)
        matrices[id] = {
          members: ids,
          ...(maxParallel === undefined ? {} : { maxParallel }),
          ...(tolerate === undefined ? {} : { tolerate }),
          ...list,
        };
    }
    if (handlers) steps.push(step('on-failure', [], { role: 'onFailure' }), step('last', [], { role: 'finally' }));
    const sources = new Set(Object.values(matrices).flatMap(({ list }) => list?.step ?? []));
    const giving = steps.map(({ with: parameters, ...each }) =>
      sources.has(each.id)
        ? listStep(each.id, each.needs, (parameters.by as number[])[0] ?? 0, each)
        : { ...each, with: parameters },
    );
    return { plan: planOf(giving, { matrices }), behaviours: behaviourOf, cancelAfter };
  });

const isLost = (state: StepState | undefined) => state === 'failed' || state === 'cancelled';

/** Whether a matrix has lost some, and no more than it tolerates. */
const tolerates = (matrix: Matrix | undefined, states: Readonly<Record<string, StepState>>): boolean => {
  if (matrix?.tolerate === undefined) return false;
  const { tolerate, members } = matrix;
  const lost = members.filter((id) => isLost(states[id])).length;
  return lost < members.length && lost <= (tolerate < 1 ? tolerate * members.length : tolerate);
};

/** Whether a step proper failed, in a way that counts. */
export const anyFailure = ({ steps, matrices }: Plan, states: Readonly<Record<string, StepState>>): boolean =>
  steps.some(
    ({ id, role, matrix }) =>
      role === undefined && states[id] === 'failed' && !tolerates(matrices?.[matrix?.of ?? ''], states),
  );

/**
 * What may have become of a step, given what became of those that it needs.
 *
 * @param plan with the items of its lists, where these are there
 */
export function expectedStates(
  plan: Plan,
  step: PlannedStep,
  states: Readonly<Record<string, StepState>>,
  behaviour: Behaviour | undefined,
  anyFailed: boolean,
): StepState[] {
  if (step.role === 'finally') return ['done'];
  if (step.role === 'onFailure') return [anyFailed ? 'done' : 'skipped'];
  const list = plan.matrices?.[step.id]?.list;
  const using = plan.steps.filter((each) => each.needs.includes(step.id)).map(({ id }) => states[id]);
  // Nobody could use it any more.
  const pointless = using.some(isLost) && using.every((state) => isLost(state) || state === 'skipped');
  // An item of a list need not start for that.
  const givenUp: StepState[] = pointless && step.id.includes('@item=') ? ['cancelled'] : [];
  // A list that is no good fails at once, whatever becomes of other needs.
  const bad: StepState[] = list && states[list.step] === 'done' ? ['failed'] : [];
  const asksState = step.when?.includes('.state') ?? false;
  const makesItems = (need: string) => need === list?.step || plan.matrices?.[need]?.list?.root === list?.root;
  const needs = list && asksState ? step.needs.filter(makesItems) : step.needs;
  const matrixOf = (need: string) => plan.matrices?.[plan.steps.find(({ id }) => id === need)?.matrix?.of ?? ''];
  const passes = (need: string) => {
    const matrix = matrixOf(need);
    return tolerates(matrix, states) && matrix?.members.every((member) => step.needs.includes(member)) === true;
  };
  const reached = needs.filter((need) => !isLost(states[need]) || !passes(need)).map((need) => states[need]);
  if ((!asksState || list) && reached.some(isLost))
    // One that was skipped may have decided before the other failed.
    return [...bad, 'cancelled', ...(reached.includes('skipped') ? (['skipped'] as const) : [])];
  if ((!asksState || list) && reached.includes('skipped')) return [...bad, ...givenUp, 'skipped'];
  if (list) return bad;
  const wanted = /steps(?:\.|\[")([\w@=]+)(?:"\])?\.state == "(\w+)"/.exec(step.when ?? '');
  if (step.when === 'false') return [...givenUp, 'skipped'];
  if (wanted) {
    const matrix = plan.matrices?.[wanted[1] ?? ''];
    const all = (matrix?.members ?? [wanted[1] ?? '']).map((id) => states[id]);
    const counted = tolerates(matrix, states) ? all.filter((state) => !isLost(state)) : all;
    const worst = ['failed', 'cancelled', 'skipped', 'done'].find((state) => counted.includes(state as StepState));
    if (worst !== wanted[2]) return [...givenUp, 'skipped'];
  }
  const broken = behaviour?.broken === true || (behaviour?.failures ?? 0) >= 3;
  // A broken step's result may be there already, from another run.
  return [
    ...(broken ? (['failed', 'done'] as const) : (['done'] as const)),
    ...(pointless ? (['cancelled'] as const) : []),
  ];
}
