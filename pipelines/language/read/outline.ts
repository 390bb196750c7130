import { z } from 'zod';
import { stepIdSchema } from '../../../contracts/identifiers.ts';
import { isMapping, type Json } from '../../../contracts/json.ts';
import type { StepRole } from '../../../contracts/plan.ts';
import { describeIssues } from '../problems/issues.ts';
import type { Path, Report } from '../problems/problems.ts';
import { includedDefinitionSchema, type PipelineDefinition, pipelineDefinitionSchema } from './definition.ts';

/** A file whose steps are still to be checked. What could be read is there even where something else is wrong. */
export interface Outline<T = PipelineDefinition> {
  readonly params: Readonly<Record<string, Json>>;
  readonly steps: readonly {
    readonly id: string;
    readonly role: StepRole;
    readonly path: Path;
    readonly value: Json;
  }[];
  /** The other keys, those that are right; all of them where the outline is. */
  readonly parts: Partial<T>;
  readonly isWhole: boolean;
}

type Mapping = { readonly [key: string]: unknown };
const sections = [
  ['steps', 'step'],
  ['onFailure', 'onFailure'],
  ['finally', 'finally'],
] as const;

/** Reads the outline of a pipeline. Null for what is not even a mapping. */
export const readOutline = (value: unknown, report: Report) =>
  outlineBy(pipelineDefinitionSchema, value, report, 'a pipeline is a mapping with name and steps');

/** Reads the outline of a file that is included. */
export const readIncludedOutline = (value: unknown, report: Report) =>
  outlineBy(includedDefinitionSchema, value, report, 'a file that is included is a mapping with params and steps');

function outlineBy<T>(
  schema: z.ZodObject & z.ZodType<T>,
  value: unknown,
  report: Report,
  whatItIs: string,
): Outline<T> | null {
  if (!isMapping(value)) {
    report.at([], whatItIs);
    return null;
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    for (const { path, onKey, message } of describeIssues(parsed.error.issues, value, (path) => keysAt(schema, path)))
      (onKey ? report.atKey : report.at)(path, message);
  if (isMapping(value.steps) && Object.keys(value.steps).length === 0)
    report.atKey(['steps'], 'steps is empty; at least one step is needed');
  const steps = sections.flatMap(([section, role]) => {
    const written = Object.hasOwn(schema.shape, section) ? value[section] : undefined;
    return isMapping(written)
      ? Object.entries(written).map(([id, step]) => ({ id, role, path: [section, id], value: step as Json }))
      : [];
  });
  const first = new Map<string, Path>();
  for (const { id, path } of steps) {
    const checked = stepIdSchema.safeParse(id);
    if (!checked.success) report.atKey(path, `the step id ${JSON.stringify(id)} ${checked.error.issues[0]?.message}`);
    const before = first.get(id);
    if (before) report.atKey(path, `there is a step ${id} in ${before[0]} already; ids must be different`);
    else first.set(id, path);
  }
  return {
    params: isMapping(value.params) ? (value.params as Record<string, Json>) : {},
    steps: steps.filter(({ id, path }) => first.get(id) === path),
    parts: parsed.success ? parsed.data : (partsOf(schema, value) as Partial<T>),
    isWhole: parsed.success,
  };
}

/** Of something that is not right as a whole, the members that are. */
function partsOf(schema: z.ZodObject, value: Mapping): object {
  const members = Object.entries(schema.shape).map(([key, member]) => [key, z.safeParse(member, value[key])] as const);
  return Object.fromEntries(members.filter(([, { success }]) => success).map(([key, { data }]) => [key, data]));
}

/** The keys that a schema of objects and lists of objects allows at a path. */
function keysAt(schema: z.ZodObject, path: Path): string[] {
  const [head, ...rest] = path.filter((part) => typeof part === 'string');
  if (head === undefined) return Object.keys(schema.shape);
  let inner: unknown = schema.shape[head];
  while (typeof inner === 'object' && inner !== null && !('shape' in inner))
    inner =
      'unwrap' in inner && typeof inner.unwrap === 'function'
        ? inner.unwrap()
        : 'element' in inner
          ? inner.element
          : null;
  return inner ? keysAt(inner as z.ZodObject, rest) : [];
}
