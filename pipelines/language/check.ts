import { z } from 'zod';
import type { Json } from '../../contracts/json.ts';
import type { Plan, PlannedStep } from '../../contracts/plan.ts';
import { isStepKind, type StepKind, type StepKindName, stepKindNames, stepKinds } from '../../contracts/step-kinds.ts';
import { type PipelineDefinition, type StepDefinition, stepDefinitionSchema } from './definition.ts';
import { milliseconds } from './duration.ts';
import { fieldOf, findInput, type StepInput } from './inputs.ts';
import { describeIssues } from './issues.ts';
import { suggestion } from './nearest.ts';
import { ancestorsByDistance, findCycles, topologicalOrder } from './order.ts';
import type { Report } from './parse.ts';
import type { Path } from './problems.ts';
import { findReferences, lookUp, parseReference, type Reference, substitute } from './references.ts';

const defaultTimeout = '24h';

/** What is left to check once the file has the right outline. */
interface Outline {
  readonly params: Readonly<Record<string, Json>>;
  readonly defaults: PipelineDefinition['defaults'];
  readonly steps: Readonly<Record<string, Json>>;
}

/** Checks everything that connects: params, kinds, needs, references, inputs. Reports every mistake; null when there is one. */
export function checkPipeline(
  { params, defaults, steps }: Outline,
  overrides: Readonly<Record<string, Json>>,
  report: Report,
): Pick<Plan, 'params' | 'steps'> | null {
  const values = withOverrides(params, overrides, report);
  const definitions = new Map<string, StepDefinition>();
  for (const [id, step] of Object.entries(steps)) {
    const definition = readStep(id, step, values, report);
    if (definition) definitions.set(id, definition);
  }
  const ids = Object.keys(steps);
  const needs = new Map(ids.map((id) => [id, needsOf(id, definitions.get(id), ids, report)]));
  for (const cycle of findCycles(needs))
    report.at(['steps', cycle[0] ?? '', 'needs'], `these steps need each other: ${cycle.join(' -> ')}`);

  const usesOf = (id: string) => definitions.get(id)?.uses;
  const planned = new Map<string, PlannedStep>();
  for (const [id, definition] of definitions) {
    if (!isStepKind(definition.uses)) {
      report.at(
        ['steps', id, 'uses'],
        `there is no kind of step ${JSON.stringify(definition.uses)}${suggestion(definition.uses, stepKindNames)}`,
      );
      continue;
    }
    const kind: StepKind = stepKinds[definition.uses];
    const { inputs, parameters } = separateInputs(id, definition, kind, needs, usesOf, report);
    const checked = checkParameters(['steps', id, 'with'], parameters, kind, report);
    planned.set(id, {
      id,
      uses: definition.uses as StepKindName,
      version: kind.version,
      needs: needs.get(id) ?? [],
      with: checked,
      inputs,
      queue: definition.queue ?? defaults.queue ?? kind.queue,
      retry: { ...defaults.retry, ...definition.retry },
      timeoutMs: milliseconds(definition.timeout ?? defaults.timeout ?? defaultTimeout),
    });
  }
  const order = topologicalOrder(needs);
  if (planned.size !== ids.length || order.length !== ids.length) return null;
  return { params: values, steps: order.flatMap((id) => planned.get(id) ?? []) };
}

const kindOf = (value: Json) =>
  value === null
    ? 'nothing'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'a mapping'
        : typeof value === 'string'
          ? 'text'
          : typeof value === 'boolean'
            ? 'true or false'
            : 'a number';

function withOverrides(
  params: Readonly<Record<string, Json>>,
  overrides: Readonly<Record<string, Json>>,
  report: Report,
): Record<string, Json> {
  for (const [name, value] of Object.entries(overrides)) {
    const where = `--set ${name}`;
    const initial = params[name];
    if (initial === undefined)
      report.outside(where, `the pipeline has no param ${name}${suggestion(name, Object.keys(params))}`);
    else if (initial !== null && kindOf(initial) !== kindOf(value))
      report.outside(
        where,
        `must be ${kindOf(initial)} like its default ${JSON.stringify(initial)}, not ${JSON.stringify(value)}`,
      );
  }
  return { ...params, ...overrides };
}

/** A step with its params filled in; null when its outline is wrong. */
function readStep(
  id: string,
  step: Json,
  params: Readonly<Record<string, Json>>,
  report: Report,
): StepDefinition | null {
  const path = ['steps', id];
  for (const { path: inner, text, reference } of findReferences(step, path)) {
    if (!reference)
      report.at(inner, `\${${text}} is not a reference; write \${params.<name>} or \${steps.<id>.result.<field>}`);
    else if (reference.of === 'params' && lookUp(params, reference.path) === undefined)
      report.at(
        inner,
        `there is no param ${reference.path.join('.')}${suggestion(reference.path[0] ?? '', Object.keys(params))}`,
      );
    else if (reference.of === 'steps' && inner[2] !== 'with')
      report.at(inner, 'results of steps can be used in with only');
  }
  const filled = substitute(step, (reference) =>
    reference.of === 'params' ? lookUp(params, reference.path) : undefined,
  );
  const parsed = stepDefinitionSchema.safeParse(filled);
  if (parsed.success) return parsed.data;
  const keysAt = (inner: Path) =>
    inner[0] === 'retry'
      ? Object.keys(stepDefinitionSchema.shape.retry.unwrap().shape)
      : Object.keys(stepDefinitionSchema.shape);
  for (const { path: inner, onKey, message } of describeIssues(parsed.error.issues, filled, keysAt))
    (onKey ? report.atKey : report.at)([...path, ...inner], message);
  return null;
}

/** Declared needs, and those that references imply. */
function needsOf(id: string, definition: StepDefinition | undefined, ids: readonly string[], report: Report): string[] {
  if (!definition) return [];
  const declared = definition.needs.flatMap((need, index) => {
    const problem =
      need === id
        ? 'a step cannot need itself'
        : ids.includes(need)
          ? null
          : `there is no step ${JSON.stringify(need)}${suggestion(
              need,
              ids.filter((each) => each !== id),
            )}`;
    if (problem) report.at(['steps', id, 'needs', index], problem);
    return problem ? [] : [need];
  });
  const implied = findReferences(definition.with).flatMap(({ path, reference }) => {
    if (reference?.of !== 'steps') return [];
    const problem =
      reference.step === id
        ? 'a step cannot use its own result'
        : ids.includes(reference.step)
          ? null
          : `there is no step ${JSON.stringify(reference.step)}${suggestion(reference.step, ids)}`;
    if (problem) report.at(['steps', id, 'with', ...path], problem);
    return problem ? [] : [reference.step];
  });
  return [...new Set([...declared, ...implied])];
}

function separateInputs(
  id: string,
  definition: StepDefinition,
  kind: StepKind,
  needs: ReadonlyMap<string, readonly string[]>,
  usesOf: (id: string) => string | undefined,
  report: Report,
): { inputs: Record<string, StepInput>; parameters: Record<string, Json> } {
  const parameters = { ...definition.with } as Record<string, Json>;
  const inputs: Record<string, StepInput> = {};
  for (const [name, artifact] of Object.entries(kind.inputs)) {
    const written = parameters[name];
    delete parameters[name];
    if (written === undefined) {
      const found = findInput(id, artifact, needs, usesOf);
      if (typeof found === 'string') report.atKey(['steps', id], `step ${id} cannot run: ${found}`);
      else inputs[name] = found;
      continue;
    }
    const reference = typeof written === 'string' ? parseReference(/^\$\{([^}]*)\}$/.exec(written)?.[1] ?? '') : null;
    const source = reference?.of === 'steps' ? reference : null;
    const field = source && fieldOf(usesOf(source.step), artifact);
    if (source && field !== undefined && source.path.join('.') === field)
      inputs[name] = { step: source.step, field, kind: artifact };
    else if (!source || usesOf(source.step) !== undefined)
      report.at(
        ['steps', id, 'with', name],
        `${name} must be the ${artifact} of a step, such as \${steps.<id>.result.${artifact}}`,
      );
  }
  for (const { path, reference } of findReferences(parameters)) {
    if (reference?.of === 'steps')
      checkResultField(
        ['steps', id, 'with', ...path],
        reference,
        usesOf(reference.step),
        ancestorsByDistance(id, needs).flat(),
        report,
      );
  }
  return { inputs, parameters };
}

function checkResultField(
  path: Path,
  reference: Extract<Reference, { of: 'steps' }>,
  uses: string | undefined,
  ancestors: readonly string[],
  report: Report,
): void {
  if (uses === undefined || !isStepKind(uses) || !ancestors.includes(reference.step)) return;
  let shape: z.ZodType = stepKinds[uses].result;
  for (const [index, part] of reference.path.entries()) {
    const fields: Record<string, z.ZodType> | null = shape instanceof z.ZodObject ? shape.shape : null;
    const next = fields?.[part];
    if (!next) {
      const owner = index === 0 ? `a ${uses} step` : reference.path.slice(0, index).join('.');
      report.at(path, `${owner} has no result ${part}${fields ? suggestion(part, Object.keys(fields)) : ''}`);
      return;
    }
    shape = next;
  }
}

/** Parameters with their defaults; what still refers to results is checked again when these are known. */
function checkParameters(
  path: Path,
  parameters: Record<string, Json>,
  kind: StepKind,
  report: Report,
): Record<string, Json> {
  const pending = findReferences(parameters).map((found) => found.path);
  const parsed = kind.params.safeParse(parameters);
  if (parsed.success) return JSON.parse(JSON.stringify(parsed.data)) as Record<string, Json>;
  const concernsPending = (inner: Path) =>
    pending.some((one) => one.every((part, index) => index >= inner.length || inner[index] === part));
  const keysAt = (inner: Path) => keysOf(kind.params, inner);
  for (const problem of describeIssues(parsed.error.issues, parameters, keysAt))
    if (problem.onKey || !concernsPending(problem.path))
      (problem.onKey ? report.atKey : report.at)([...path, ...problem.path], problem.message);
  return parameters;
}

/** The keys that a schema allows at a path; of alternatives, those of all. */
function keysOf(schema: z.ZodType, path: Path): string[] {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    return keysOf(schema.unwrap() as z.ZodType, path);
  if (schema instanceof z.ZodUnion)
    return [...new Set(schema.options.flatMap((option) => keysOf(option as z.ZodType, path)))];
  if (!(schema instanceof z.ZodObject)) return [];
  const [head, ...rest] = path;
  if (head === undefined) return Object.keys(schema.shape);
  const member = schema.shape[String(head)];
  return member ? keysOf(member as z.ZodType, rest) : [];
}
