import type { StepRole } from '../../../contracts/plan.ts';
import { findReferences } from '../expressions/references.ts';
import { suggestion } from '../problems/nearest.ts';
import type { ReadStep } from '../read/read-step.ts';
import { baseOf, type WrittenStep } from '../read/written.ts';

const sectionOf: Readonly<Record<StepRole, string>> = { step: 'steps', onFailure: 'onFailure', finally: 'finally' };

/** Looks up the steps that a step names, and says what is wrong with each that it may not name. */
export interface StepLookup {
  readonly steps: ReadonlyMap<string, WrittenStep>;
  readonly read: ReadonlyMap<string, ReadStep>;
}

/**
 * What is wrong with naming a step here; null when nothing is.
 *
 * @param name as the file has it, or, with `isId`, by its id in the pipeline
 * @param asNeed the step must have ended first; else its result is used, or null where there is none
 */
export function problemWithStep(
  name: string,
  { id, role, scope, sweep }: WrittenStep,
  { steps, read }: StepLookup,
  { asNeed = false, isId = false }: { readonly asNeed?: boolean; readonly isId?: boolean },
): string | null {
  const base = isId && steps.has(baseOf(name)) ? baseOf(name) : scope.idOf(baseOf(name));
  const other = base === null ? undefined : steps.get(base);
  const trials = (other ?? steps.get(baseOf(name)))?.sweep?.of;
  if (trials !== undefined && trials !== sweep?.of && trials !== id)
    return `${baseOf(name)} is a step of the trials of ${trials}; the winner's result is \${steps.${trials}.result.steps.${baseOf(base ?? name).slice(trials.length + 1)}.…}`;
  if (base === null || !other) {
    const others = scope.names().filter((each) => scope.idOf(each) !== id);
    return `there is no step ${JSON.stringify(name)}${suggestion(name, others)}`;
  }
  if (base === id) return asNeed ? 'a step cannot need itself' : 'a step cannot use its own result';
  if (other.role !== role) {
    if (role === 'step') return `${name} is one of ${sectionOf[other.role]}, which start when this step has ended`;
    if (asNeed)
      return `steps of ${sectionOf[role]} start when all others have ended; needs is for the order among them`;
    if (role === 'onFailure' && other.role === 'finally')
      return `${name} is one of finally, which start after those of onFailure`;
  }
  const list = read.get(base)?.list;
  if (name.includes('@') && list)
    return `the items of ${baseOf(name)} are not known until step ${list.step} has ended; name ${baseOf(name)}, which is the list of all`;
  const members = read.get(base)?.members.map((member) => member.id) ?? [];
  const planned = base + name.slice(baseOf(name).length);
  if (name.includes('@') && members.length > 0 && !members.includes(planned))
    return `${baseOf(name)} has no ${JSON.stringify(name)} in its matrix${suggestion(planned, members)}`;
  return null;
}

/**
 * The steps that a step needs, by their ids in the pipeline: declared, and implied by `when` and by references. Null in
 * the place of one that it may not name.
 */
export function needsOf(step: ReadStep, whenNeeds: readonly string[], lookup: StepLookup): (string | null)[] {
  const { written, definition } = step;
  const { path, role, scope } = written;
  const idOf = (name: string) => (scope.idOf(baseOf(name)) ?? baseOf(name)) + name.slice(baseOf(name).length);
  const declared = definition.needs.map((need, index) => {
    const problem = problemWithStep(need, written, lookup, { asNeed: true });
    if (problem) scope.report.at([...path, 'needs', index], problem);
    return problem ? null : idOf(need);
  });
  const implied = findReferences(definition.with).flatMap(({ path: inner, reference }) => {
    if (reference?.of !== 'steps') return [];
    const problem = problemWithStep(reference.step, written, lookup, { isId: true });
    if (problem) scope.report.at([...path, 'with', ...inner], problem);
    const isSameRole = lookup.steps.get(baseOf(reference.step))?.role === role;
    return problem ? [null] : isSameRole ? [reference.step] : [];
  });
  return [...new Set([...declared, ...whenNeeds, ...implied, ...listNeeds(step, lookup)])];
}

/** The step that gives the list of a matrix, which must be one that can be needed. */
function listNeeds({ list, written, root }: ReadStep, lookup: StepLookup): (string | null)[] {
  if (!list) return [];
  const source = lookup.read.get(baseOf(list.step));
  const asNeed = { asNeed: true, isId: true };
  const problem =
    problemWithStep(list.step, written, lookup, asNeed) ??
    (source && source.root !== null && !list.step.includes('@')
      ? `step ${list.step} has a matrix, so this is the list of all its results; the list must be that of one step`
      : null);
  if (!problem) return [list.step];
  // With the matrix of another step, it was told there.
  if (root === written.id) written.scope.report.at([...written.path, 'matrix', list.name], problem);
  return [null];
}
