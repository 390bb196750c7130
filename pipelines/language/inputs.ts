import type { ArtifactKind } from '../../contracts/artifacts.ts';
import type { PlannedStep } from '../../contracts/plan.ts';
import { isStepKind, type StepKindName, stepKindNames, stepKinds } from '../../contracts/step-kinds.ts';
import { ancestorsByDistance, type Needs } from './order.ts';

export type StepInput = PlannedStep['inputs'][string];

/** The result field of a kind that carries an artifact of that kind, if any. */
export const fieldOf = (uses: string | undefined, kind: ArtifactKind): string | undefined =>
  uses !== undefined && isStepKind(uses)
    ? Object.entries<ArtifactKind>(stepKinds[uses].outputs).find(([, each]) => each === kind)?.[0]
    : undefined;

/**
 * Finds which step an artifact comes from where the pipeline does not say: the nearest one upstream that makes it.
 *
 * @returns the input, or a sentence that says why there is none
 */
export function findInput(
  step: string,
  kind: ArtifactKind,
  needs: Needs,
  usesOf: (id: string) => string | undefined,
): StepInput | string {
  for (const layer of ancestorsByDistance(step, needs)) {
    const makers = layer.flatMap((id) => {
      const field = fieldOf(usesOf(id), kind);
      return field === undefined ? [] : [{ step: id, field, kind }];
    });
    const [maker, another] = makers;
    if (maker && another)
      return `both ${maker.step} and ${another.step} make a ${kind}; say which with \`${kind}: \${steps.${maker.step}.result.${maker.field}}\``;
    if (maker) return maker;
  }
  const kinds = stepKindNames.filter((name: StepKindName) => fieldOf(name, kind) !== undefined);
  return `it takes a ${kind}, and no step that it needs makes one; add a step that uses ${kinds.join(' or ')} to needs`;
}
