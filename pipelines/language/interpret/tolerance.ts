import type { Matrix, Plan, PlannedStep } from '../../../contracts/plan.ts';
import type { StepState } from '../../../contracts/status.ts';

/** What a matrix with `tolerate` lets pass. */
export interface Tolerance {
  /** It is lost, and no more of its matrix are than may be. */
  readonly isTolerated: (id: string) => boolean;
  /**
   * A step that needs all of a matrix goes on without one that is tolerated; one that needs it by name does not. What writes down what a
   * trial came to goes on without any of its steps.
   */
  readonly canDoWithout: (step: PlannedStep, need: string) => boolean;
}

/** The steps that are lost and tolerated. It costs nothing where no matrix tolerates anything. */
export function toleratedSteps(plan: Plan, stateOf: (id: string) => StepState | undefined): string[] {
  return Object.values(plan.matrices ?? {}).flatMap((matrix) => {
    const lost = !tolerates(matrix) ? [] : matrix.members.filter((id) => isLost(stateOf(id)));
    return lost.length <= mostLost(matrix) ? lost : [];
  });
}

const tolerates = ({ tolerate, sweep }: Matrix) => tolerate !== undefined || sweep !== undefined;

/** Failed, or cancelled because what it needs failed. */
export const isLost = (state: StepState | undefined): boolean => state === 'failed' || state === 'cancelled';

/** How many of a matrix may be lost; never all, because then there is nothing to go on with. A sweep itself says when that is so. */
export function mostLost({ members, tolerate = 0, sweep }: Pick<Matrix, 'members' | 'tolerate' | 'sweep'>): number {
  if (sweep !== undefined) return members.length;
  // A share of 0.29 of 100 is 29, although its product is a little less.
  const most = tolerate < 1 ? Math.floor(tolerate * members.length + 1e-9) : tolerate;
  return Math.min(most, members.length - 1);
}

/** @param stateOf is asked for all of a matrix once one of it is asked for; what they are must be known by then */
export function toleranceOf({ matrices = {} }: Plan, stateOf: (id: string) => StepState | undefined): Tolerance {
  const matrixOf = new Map(
    Object.entries(matrices).flatMap(([id, matrix]) =>
      !tolerates(matrix) ? [] : matrix.members.map((member) => [member, { id, ...matrix }] as const),
    ),
  );
  const within = new Map<string, boolean>();
  const isTolerated = (id: string) => {
    const matrix = matrixOf.get(id);
    if (!matrix || !isLost(stateOf(id))) return false;
    const known =
      within.get(matrix.id) ?? matrix.members.filter((member) => isLost(stateOf(member))).length <= mostLost(matrix);
    within.set(matrix.id, known);
    return known;
  };
  const whole = new Map<string, boolean>();
  const needsAll = (
    { id, needs }: PlannedStep,
    matrix: { readonly id: string; readonly members: readonly string[] },
  ) => {
    const key = `${id} ${matrix.id}`;
    const known =
      whole.get(key) ?? needs.filter((need) => matrixOf.get(need)?.id === matrix.id).length === matrix.members.length;
    whole.set(key, known);
    return known;
  };
  return {
    isTolerated,
    canDoWithout: (step, need) => {
      const matrix = matrixOf.get(need);
      if (matrix === undefined || !isTolerated(need)) return false;
      return matrix.sweep === undefined ? needsAll(step, matrix) : step.uses === 'trial';
    },
  };
}
