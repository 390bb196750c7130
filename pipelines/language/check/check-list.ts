import { z } from 'zod';
import type { ListSource } from '../../../contracts/plan.ts';
import { findReferences } from '../expressions/references.ts';
import { suggestion } from '../problems/nearest.ts';
import type { ReadStep } from '../read/read-step.ts';
import { baseOf } from '../read/written.ts';
import type { Graph } from './check-parameters.ts';
import { bare, formAt, problemWithField, resultSchema } from './result-fields.ts';

/** Checks the list of a matrix, and what is taken of its items, as far as the result of the step that gives it is declared. */
export function checkList(step: ReadStep, { read }: Graph): void {
  const { list, written, root, definition } = step;
  if (!list) return;
  const { path, scope } = written;
  const giver = read.get(baseOf(list.step))?.definition;
  const at = [...path, 'matrix', list.name];
  const missing = giver ? problemWithField(giver, list.path) : null;
  const item = itemSchema(list, read);
  // With the matrix of another step, the list was checked there.
  if (root === written.id && missing) scope.report.at(at, missing.message);
  else if (root === written.id && item === 'no list')
    scope.report.at(at, `${list.path.join('.')} of step ${list.step} is no list`);
  if (item === null || item === 'no list') return;
  for (const { path: inner, reference } of findReferences(definition.with)) {
    if (reference?.of !== 'matrix') continue;
    const fields = reference.path.slice(1);
    const found = formAt(item, fields);
    if (!found || !('part' in found)) continue;
    const name = fields[found.part] ?? '';
    scope.report.at(
      [...path, 'with', ...inner],
      `an item of ${list.path.join('.')} has no ${name}${found.among ? suggestion(name, found.among) : ''}`,
    );
  }
}

/** The form of an item of a list; null where nothing is known of it. */
export function itemSchema({ step, path }: ListSource, read: Graph['read']): z.ZodType | 'no list' | null {
  const giver = read.get(baseOf(step))?.definition;
  const result = giver ? resultSchema(giver) : null;
  const found = result && formAt(result, path);
  if (!found || 'part' in found) return null;
  return found.schema instanceof z.ZodArray ? bare(found.schema.element as z.ZodType) : 'no list';
}
