import { isMapping, type Json } from '../contracts/json.ts';
import type { PlannedStep } from '../contracts/plan.ts';
import { knownTraining } from '../pipelines/language/check/known-steps.ts';
import { findReferences, lookUp, substitute } from '../pipelines/language/expressions/references.ts';

type Values = { readonly [key: string]: Json };

/**
 * The settings of a training as the run will have them, with defaults. A step that refers to results has none in the plan, and neither has
 * one of a trial: they are filled in when it starts.
 *
 * @param results of steps that are done
 * @param otherwise what stands for settings that wait for a result
 */
export function settingsToBe(
  step: PlannedStep,
  results: Readonly<Record<string, Json | undefined>>,
  otherwise: Values,
): Values {
  const filled = substitute(step.with, (reference) => {
    if (reference.of === 'steps') return lookUp(results[reference.step], reference.path);
    return reference.of === 'matrix' ? lookUp({ ...step.matrix?.values }, reference.path) : undefined;
  });
  const given: Values = isMapping(filled) ? filled : step.with;
  const isOpen = (name: string) => findReferences(given[name] ?? null).length > 0;
  const known = knownTraining({ ...step, with: given })?.values;
  const settings: Values = known ? (JSON.parse(JSON.stringify(known)) as Values) : given;
  return Object.fromEntries(
    [...new Set([...Object.keys(settings), ...Object.keys(given)])].map((name) => [
      name,
      (isOpen(name) ? otherwise[name] : settings[name]) ?? null,
    ]),
  );
}
