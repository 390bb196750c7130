import { canonicalJson } from '../../../contracts/json.ts';
import type { Matrix, Plan, PlannedStep } from '../../../contracts/plan.ts';
import { formatReference, substitute } from '../expressions/references.ts';
import { namedStep, withNames } from './rename-steps.ts';

/**
 * A plan whose steps have the names that they had before: a version that names the steps of a matrix otherwise must not make a run lose
 * their checkpoints. A step is known by the step of the pipeline and its values.
 *
 * @param before the plan that the run has
 */
export function withEarlierNames(plan: Plan, before: Plan): Plan {
  const earlier = new Map(before.steps.flatMap(({ id, matrix }) => (matrix ? [[keyOf(matrix), id] as const] : [])));
  const taken = new Set(before.steps.map(({ id }) => id));
  const names = new Map(
    plan.steps.flatMap(({ id, matrix }) => {
      const name = matrix && earlier.get(keyOf(matrix));
      return name === undefined || name === id || taken.has(id) ? [] : [[id, name] as const];
    }),
  );
  if (names.size === 0) return plan;
  const nameOf = (id: string) => names.get(id) ?? id;
  return {
    ...plan,
    steps: plan.steps.map((step) => renamed(step, nameOf)),
    ...(plan.matrices ? { matrices: renamedMatrices(plan.matrices, nameOf) } : {}),
  };
}

const keyOf = ({ of, values }: NonNullable<PlannedStep['matrix']>) => `${of} ${canonicalJson(values)}`;

const renamed = (step: PlannedStep, nameOf: (id: string) => string): PlannedStep => ({
  ...step,
  id: nameOf(step.id),
  needs: step.needs.map(nameOf),
  with: substitute(step.with, (reference) =>
    reference.of === 'steps' ? formatReference({ ...reference, step: nameOf(reference.step) }) : undefined,
  ) as PlannedStep['with'],
  inputs: Object.fromEntries(
    Object.entries(step.inputs).map(([name, input]) => [name, { ...input, step: nameOf(input.step) }]),
  ),
  ...(step.when === undefined
    ? {}
    : {
        when: withNames(step.when, ({ root, parts: [first] }) =>
          root === 'steps' && first && nameOf(first.name) !== first.name ? namedStep(nameOf(first.name)) : null,
        ),
      }),
});

const renamedMatrices = (matrices: NonNullable<Plan['matrices']>, nameOf: (id: string) => string) =>
  Object.fromEntries(
    Object.entries(matrices).map(([id, matrix]): [string, Matrix] => [
      id,
      {
        ...matrix,
        members: matrix.members.map(nameOf),
        ...(matrix.list ? { list: { ...matrix.list, step: nameOf(matrix.list.step) } } : {}),
      },
    ]),
  );
