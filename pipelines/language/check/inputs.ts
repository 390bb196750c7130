import { z } from 'zod';
import type { ArtifactKind } from '../../../contracts/artifacts.ts';
import type { Json } from '../../../contracts/json.ts';
import type { StepKind } from '../../../contracts/kinds/kind.ts';
import type { OwnKind } from '../../../contracts/own-kind.ts';
import { isStepKind, kindOf, type StepKindName, stepKindNames, stepKinds } from '../../../contracts/step-kinds.ts';
import { withArticle } from '../../../contracts/with-article.ts';
import { ancestorsByDistance, type Needs } from './order.ts';

/** Where an artifact comes from: a step in the pipeline, or one of its matrix. */
export interface InputSource {
  readonly step: string;
  readonly field: string;
  readonly kind: ArtifactKind;
}

/** A step that may make artifacts. */
export interface Maker {
  readonly uses: string;
  readonly with: Readonly<Record<string, Json>>;
  readonly own?: OwnKind | undefined;
}

/** The result field in which a step hands over an artifact of a kind, if it makes one. */
export function fieldOf(maker: Maker | undefined, kind: ArtifactKind): string | undefined {
  if (!maker || !isStepKind(maker.uses)) return undefined;
  const { outputs, result } = kindOf({ uses: maker.uses, with: maker.with, own: maker.own });
  const isMade = (field: string) => !(result.shape[field] instanceof z.ZodOptional) || Object.hasOwn(maker.with, field);
  return Object.entries(outputs).find(([field, each]) => each === kind && isMade(field))?.[0];
}

const kindsThatMake = (kind: ArtifactKind): StepKindName[] =>
  kind === 'files'
    ? ['run']
    : stepKindNames.filter((name) => Object.values<ArtifactKind>(stepKinds[name].outputs).includes(kind));

/** Whether an input must be named: the graph finds one artifact of a kind, and this is another. */
export const mustBeNamed = ({ inputs, optional = [] }: StepKind, name: string): boolean =>
  !optional.includes(name) && Object.keys(inputs).find((other) => inputs[other] === inputs[name]) !== name;

/**
 * Finds which step an artifact comes from where the pipeline does not say: the nearest one upstream that makes it.
 *
 * @param named steps whose artifact is named as another input of the same kind
 * @returns the input, or a sentence that says why there is none
 */
export function findInput(
  step: string,
  kind: ArtifactKind,
  needs: Needs,
  makerOf: (id: string) => Maker | undefined,
  named: ReadonlySet<string> = new Set(),
): InputSource | string {
  for (const layer of ancestorsByDistance(step, needs)) {
    const makers = layer.flatMap((id) => {
      const field = named.has(id) ? undefined : fieldOf(makerOf(id), kind);
      return field === undefined ? [] : [{ step: id, field, kind }];
    });
    const [maker, another] = makers;
    if (maker && another)
      return `both ${maker.step} and ${another.step} make ${withArticle(kind)}; say which with \`${kind}: \${steps.${maker.step}.result.${maker.field}}\``;
    if (maker) return maker;
  }
  const what = named.size > 0 ? 'no other step' : 'no step';
  return `it takes ${withArticle(kind)}, and ${what} that it needs makes one; add a step that uses ${oneOf.format(kindsThatMake(kind))} to needs`;
}

const oneOf = new Intl.ListFormat('en-GB', { type: 'disjunction' });
