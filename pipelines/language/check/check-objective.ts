import { z } from 'zod';
import type { Json } from '../../../contracts/json.ts';
import type { PlannedStep } from '../../../contracts/plan.ts';
import { kindOf } from '../../../contracts/step-kinds.ts';
import { findReferences } from '../expressions/references.ts';
import type { ReadStep } from '../read/read-step.ts';
import { baseOf } from '../read/written.ts';
import { fieldAt, kindOfArtifact } from './result-fields.ts';

/**
 * What is wrong with the objective of a sweep; null where it is a number of a step of the trial, and nothing that it follows from looked
 * at test images: the best of many by the test set is the one that fits its noise, and no test set is left to measure it by.
 *
 * What lies outside the trial is the same for all of them, and chooses nothing.
 */
export function problemWithObjective(
  sweep: string,
  objective: { readonly step: string; readonly path: readonly string[] },
  steps: readonly PlannedStep[],
  read: ReadonlyMap<string, ReadStep>,
): string | null {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const nameOf = (id: string) => id.slice(sweep.length + 1);
  const giver = byId.get(baseOf(objective.step));
  if (!giver)
    return `${objective.step} is no step of the trial, so it is the same for all; there are ${steps.map(({ id }) => nameOf(id)).join(', ')}`;
  const field = objective.path.join('.');
  if (field === '') return 'name the field of the result that decides, such as validationTop1';
  const schema = fieldAt(giver, objective.path);
  if (schema !== null && !(schema instanceof z.ZodNumber) && !(schema instanceof z.ZodAny))
    return `${field} of step ${nameOf(giver.id)} is no number`;
  const way = [giver.id];
  for (const id of way)
    for (const need of sourcesOf(byId.get(id))) if (byId.has(need) && !way.includes(need)) way.push(need);
  for (const id of way) {
    const step = byId.get(id);
    const problem = step && problemWithSight(step, byId, read);
    if (problem)
      return `the objective must not depend on test images, and step ${nameOf(id)} ${problem}; what is chosen by them cannot be measured by them`;
  }
  return null;
}

/** The steps whose results or artifacts a step takes. */
const sourcesOf = (step: PlannedStep | undefined): string[] =>
  step
    ? [
        ...Object.values(step.inputs).map((input) => input.step),
        ...findReferences(step.with).flatMap(({ reference }) =>
          reference?.of === 'steps' ? [baseOf(reference.step)] : [],
        ),
      ]
    : [];

function problemWithSight(
  step: PlannedStep,
  byId: ReadonlyMap<string, PlannedStep>,
  read: ReadonlyMap<string, ReadStep>,
): string | null {
  const { seesTest, runs } = kindOf(step);
  if (seesTest?.when(step.with)) return `(uses ${step.uses}) looks at them: ${seesTest.instead}`;
  if (runs !== 'process') return null;
  const takesData =
    Object.values(step.inputs).some(({ kind }) => kind === 'dataset') ||
    findReferences(step.with).some(({ reference }) => {
      if (reference?.of !== 'steps') return false;
      const id = baseOf(reference.step);
      const giver = byId.get(id) ?? read.get(id)?.definition;
      const field = giver && fieldAt({ ...giver, with: giver.with as Readonly<Record<string, Json>> }, reference.path);
      return field != null && kindOfArtifact(field) === 'dataset';
    });
  return takesData
    ? 'is a program of your own that is given a data set, whose test images it could read: give it embeddings or results'
    : null;
}
