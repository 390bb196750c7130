import fc from 'fast-check';
import type { Plan, PlannedStep } from '../../contracts/plan.ts';
import type { StepState } from '../../contracts/status.ts';
import { type Behaviour, planOf, step } from './interpreter.ts';

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
  maxParallel: fc.constantFrom(undefined, 1, 2),
});

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
    for (const [index, { needs, behaviour, value, when, members, maxParallel }] of drawn.entries()) {
      const id = `s${index}`;
      const ids = members > 1 ? Array.from({ length: members }, (_, member) => `${id}@${member}`) : [id];
      if (steps.length + ids.length > 38) break;
      const named = [...new Set(needs.filter((need) => need < index))];
      const needed = named.flatMap((need) => membersOf[need] ?? []);
      membersOf.push(ids);
      const first = named[0];
      const condition =
        first === undefined || when === 'none'
          ? undefined
          : when === 'result'
            ? `steps.s${first}.state == "done" ? true : false`
            : when === 'failed'
              ? `steps.s${first}.state == "failed"`
              : 'false';
      for (const [member, memberId] of ids.entries()) {
        behaviourOf[memberId] = behaviour;
        steps.push(
          step(memberId, needed, {
            value: value + member / 10,
            ...(condition === undefined ? {} : { when: condition }),
            ...(members > 1 ? { matrix: { of: id, values: { member } } } : {}),
          }),
        );
      }
      if (members > 1) matrices[id] = { members: ids, ...(maxParallel === undefined ? {} : { maxParallel }) };
    }
    if (handlers) steps.push(step('on-failure', [], { role: 'onFailure' }), step('last', [], { role: 'finally' }));
    return { plan: planOf(steps, { matrices }), behaviours: behaviourOf, cancelAfter };
  });

/** What may have become of a step, given what became of those that it needs. */
export function expectedStates(
  plan: Plan,
  step: PlannedStep,
  states: Readonly<Record<string, StepState>>,
  behaviour: Behaviour | undefined,
  anyFailed: boolean,
): StepState[] {
  if (step.role === 'finally') return ['done'];
  if (step.role === 'onFailure') return [anyFailed ? 'done' : 'skipped'];
  const needs = step.needs.map((need) => states[need]);
  const asksState = step.when?.includes('.state') ?? false;
  if (!asksState && needs.some((state) => state === 'failed' || state === 'cancelled'))
    // One that was skipped may have decided before the other failed.
    return needs.includes('skipped') ? ['cancelled', 'skipped'] : ['cancelled'];
  if (!asksState && needs.includes('skipped')) return ['skipped'];
  const wanted = /steps\.(\w+)\.state == "(\w+)"/.exec(step.when ?? '');
  if (step.when === 'false') return ['skipped'];
  if (wanted) {
    const members = plan.matrices?.[wanted[1] ?? '']?.members ?? [wanted[1] ?? ''];
    const all = members.map((id) => states[id]);
    const worst = ['failed', 'cancelled', 'skipped', 'done'].find((state) => all.includes(state as StepState));
    if (worst !== wanted[2]) return ['skipped'];
  }
  const broken = behaviour?.broken === true || (behaviour?.failures ?? 0) >= 3;
  const using = plan.steps.filter(({ needs }) => needs.includes(step.id)).map(({ id }) => states[id]);
  // Nobody could use it any more.
  const pointless =
    using.some((state) => state === 'failed' || state === 'cancelled') &&
    using.every((state) => state === 'failed' || state === 'cancelled' || state === 'skipped');
  // A broken step's result may be there already, from another run.
  return [
    ...(broken ? (['failed', 'done'] as const) : (['done'] as const)),
    ...(pointless ? (['cancelled'] as const) : []),
  ];
}
