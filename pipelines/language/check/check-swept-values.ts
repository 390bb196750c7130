import { isMapping, type Json } from '../../../contracts/json.ts';
import type { Dimension, SweepParameters } from '../../../contracts/kinds/sweep.ts';
import type { PlannedStep } from '../../../contracts/plan.ts';
import { kindOf } from '../../../contracts/step-kinds.ts';
import { findReferences, lookUp, substitute } from '../expressions/references.ts';
import { isListed, lineOf } from '../interpret/sweep/space.ts';
import { describeIssues } from '../problems/issues.ts';
import type { Path } from '../problems/problems.ts';
import type { ReadStep } from '../read/read-step.ts';
import { trainingStepMistakes } from './check-encoders.ts';
import type { PlannedSteps } from './known-steps.ts';

type Values = Readonly<Record<string, Json>>;

/**
 * Checks every value of a list, and of a range both ends and a number between them, in the parameters that use them. A value that holds
 * the result of a step is left to the run, and so is what only shows where several values come together.
 *
 * @param steps of a trial
 * @param planned every step of the pipeline
 */
export function checkSweptValues(
  { over, seeds }: Pick<SweepParameters, 'over' | 'seeds'>,
  steps: readonly PlannedStep[],
  planned: PlannedSteps,
  read: ReadonlyMap<string, ReadStep>,
): void {
  const samples = new Map(Object.entries(over).map(([name, dimension]) => [name, samplesOf(dimension)]));
  const known = (values: readonly Json[] = []) => values.filter((value) => findReferences(value).length === 0);
  const seed = Array.isArray(seeds) ? (seeds[0] ?? 0) : 0;
  const usual: Values = {
    ...Object.fromEntries([...samples].map(([name, values]) => [name, values[0] ?? null])),
    seed,
    trial: 0,
  };
  for (const step of steps) {
    const { written } = read.get(step.id) ?? {};
    const say = (path: Path, name: string, value: Json, message: string) =>
      written?.scope.report.at(
        [...written.path, 'with', ...path],
        `where ${name} is ${JSON.stringify(value)}: ${message}`,
      );
    const told = new Set<string>();
    // What is wrong whatever the values are was told where they stand.
    const whatever = new Set(trainingStepMistakes(step, planned).map(({ message }) => message));
    for (const { path, reference } of findReferences(step.with)) {
      if (reference?.of !== 'sweep') continue;
      const [name = '', ...inner] = reference.path;
      for (const value of samples.has(name) ? known(samples.get(name)) : [usual[name] ?? 0]) {
        const values = { ...usual, [name]: value };
        const problem =
          lookUp(values, [name, ...inner]) === undefined
            ? `has no ${inner.join('.')}`
            : problemWith(step, values, path);
        if (problem === null) continue;
        told.add(name);
        say(path, name, value, problem);
        break;
      }
    }
    for (const [name, values] of samples)
      for (const value of told.has(name) ? [] : known(values)) {
        const mistake = trainingStepMistakes(withValue(step, name, value), planned).find(
          ({ message }) => !whatever.has(message),
        );
        if (!mistake) continue;
        say(mistake.path, name, value, mistake.message);
        break;
      }
  }
}

/** All of a list; of a range its ends, and a number between them that is as odd as those that are drawn. */
function samplesOf(dimension: Dimension): readonly Json[] {
  if (isListed(dimension)) return dimension;
  const { low, high, fromLine } = lineOf(dimension);
  return [...('log' in dimension ? dimension.log : dimension.linear), fromLine(low + 0.618034 * (high - low))];
}

/** The step with one name filled in; what the others may be stays open. */
const withValue = (step: PlannedStep, name: string, value: Json): PlannedStep => ({
  ...step,
  with: substitute(step.with, (reference) =>
    reference.of === 'sweep' && reference.path[0] === name ? lookUp({ [name]: value }, reference.path) : undefined,
  ) as PlannedStep['with'],
});

/** What is wrong with a parameter where the names of a sweep have these values; null where nothing is, or a result is awaited there. */
function problemWith(step: PlannedStep, values: Values, at: Path): string | null {
  const filled = substitute(step.with, (reference) =>
    reference.of === 'sweep' ? lookUp({ ...values }, reference.path) : undefined,
  );
  if (!isMapping(filled)) return null;
  const parsed = kindOf(step).parameters.safeParse(filled);
  if (parsed.success) return null;
  const concerns = (path: Path) => at.every((part, index) => index >= path.length || path[index] === part);
  const found = describeIssues(parsed.error.issues, filled, () => []).find(({ path }) => concerns(path));
  return found?.message ?? null;
}
