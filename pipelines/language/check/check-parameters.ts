import { z } from 'zod';
import type { ArtifactKind } from '../../../contracts/artifacts.ts';
import { freezeHint } from '../../../contracts/encoder-stages.ts';
import { isFilledIn } from '../../../contracts/filled-in.ts';
import type { Json } from '../../../contracts/json.ts';
import type { StepKind } from '../../../contracts/kinds/kind.ts';
import { withRecipe } from '../../../contracts/recipes.ts';
import { isStepKind } from '../../../contracts/step-kinds.ts';
import { trainingConfigSchema } from '../../../contracts/training.ts';
import { findReferences, wholeReference } from '../expressions/references.ts';
import { describeIssues } from '../problems/issues.ts';
import { suggestion } from '../problems/nearest.ts';
import type { Path } from '../problems/problems.ts';
import { describe } from '../read/matrix.ts';
import type { Member, ReadStep } from '../read/read-step.ts';
import { baseOf } from '../read/written.ts';
import { fieldOf, findInput, type InputSource, type Maker, mustBeNamed } from './inputs.ts';
import { ancestorsByDistance, type Needs } from './order.ts';
import { bare, fieldAt, kindOfArtifact, problemWithField } from './result-fields.ts';

/** What the steps of a pipeline are to each other. */
export interface Graph {
  readonly read: ReadonlyMap<string, ReadStep>;
  /** By ids in the pipeline, `pretrain@seed=1` as `pretrain`. */
  readonly needs: Needs;
  /** Steps that could not be or were not read, or that name others that are not there: what they lack says nothing. */
  readonly broken: ReadonlySet<string>;
}

/** Whether a step is the user's own, and nobody looked into its file: what it makes is not known. */
export const isUnread = (step: ReadStep | undefined): boolean =>
  step?.definition.own !== undefined && step.definition.code === undefined;

/** The artifacts that a step takes, by parameter name, and what is wrong with where they come from. */
export function inputsOf(step: ReadStep, kind: StepKind, { read, needs, broken }: Graph): Record<string, InputSource> {
  const { written, definition } = step;
  const { report } = written.scope;
  const { id } = written;
  const makerOf = (other: string): Maker | undefined => {
    const made = read.get(baseOf(other))?.definition;
    return made && { uses: made.uses, with: made.with as Record<string, Json>, own: made.own };
  };
  const namedFor = (artifact: ArtifactKind) =>
    Object.entries(kind.inputs).flatMap(([name, each]) => {
      const reference = wholeReference((definition.with[name] ?? undefined) as Json | undefined);
      return each === artifact && reference?.of === 'steps' ? [baseOf(reference.step)] : [];
    });
  const inputs: Record<string, InputSource> = {};
  for (const [name, artifact] of Object.entries(kind.inputs)) {
    // A param that is null, in a file that is included say, leaves it to the graph.
    const value = (definition.with[name] ?? undefined) as Json | undefined;
    const at = [...written.path, 'with', name];
    let source: InputSource;
    if (value === undefined && kind.optional?.includes(name)) continue;
    if (value === undefined && mustBeNamed(kind, name)) {
      report.atKey(written.path, `step ${id} takes another ${artifact} as ${name}; ${howToName(name, artifact)}`);
      continue;
    }
    if (value === undefined) {
      const found = findInput(id, artifact, needs, makerOf, new Set(namedFor(artifact)));
      if (typeof found === 'string') {
        if (![id, ...[...ancestorsByDistance(id, needs)].flat()].some((each) => broken.has(each)))
          report.atKey(written.path, `step ${id} cannot run: ${found}`);
        continue;
      }
      source = found;
    } else {
      const reference = wholeReference(value);
      const maker = reference?.of === 'steps' ? makerOf(reference.step) : undefined;
      const isOpen = reference?.of === 'steps' && isUnread(read.get(baseOf(reference.step)));
      const field = isOpen ? reference.path.join('.') : fieldOf(maker, artifact);
      if (reference?.of !== 'steps' || (maker && reference.path.join('.') !== field)) {
        report.at(at, `${name} must be the ${artifact} of a step, such as \${steps.<id>.result.${artifact}}`);
        continue;
      }
      if (field === undefined) continue;
      source = { step: reference.step, field, kind: artifact };
    }
    const twin = Object.keys(inputs).find((other) => isSameSource(inputs[other], source));
    if (twin !== undefined) {
      report.at(at, `${name} must be another ${artifact} than ${twin}, and both are that of step ${source.step}`);
      continue;
    }
    if (isList(step, source.step, read)) {
      const say = value === undefined ? report.atKey : report.at;
      say(value === undefined ? written.path : at, listProblem(id, name, source, read));
    } else inputs[name] = source;
  }
  return inputs;
}

const howToName = (name: string, artifact: ArtifactKind) =>
  `say which with \`${name}: \${steps.<id>.result.${artifact}}\``;

const isSameSource = (one: InputSource | undefined, { step, field }: InputSource) =>
  one?.step === step && one.field === field;

/** Whether a step means all of a matrix when it names another: unless it is for one of the same matrix itself. */
export const isList = (step: ReadStep, other: string, read: ReadonlyMap<string, ReadStep>): boolean => {
  const named = read.get(other);
  return named !== undefined && named.root !== null && named.root !== step.root;
};

function listProblem(id: string, name: string, { step, field }: InputSource, read: Graph['read']): string {
  const { members = [], list } = read.get(step) ?? {};
  const choose = isStepKind('choose') ? ', take the best by a step that uses choose' : '';
  const many = list ? `as many as ${list.step} gives` : `${members.length}, one for each of its matrix`;
  const each = `step ${id} takes one ${name}, and ${step} makes ${many}; run ${id} for each with \`matrix: ${step}\`${choose}`;
  if (list) return each;
  return `${each}, or say which with \`${name}: \${steps.${members[0]?.id}.result.${field}}\``;
}

/** Checks that what references of a step name is in the results of the steps. */
export function checkResultReferences({ written, definition }: ReadStep, kind: StepKind, { read }: Graph): void {
  for (const { path, reference } of findReferences(definition.with)) {
    if (reference?.of !== 'steps' || Object.hasOwn(kind.inputs, String(path[0]))) continue;
    const giver = read.get(baseOf(reference.step))?.definition;
    const problem = giver ? problemWithField(giver, reference.path) : null;
    const wrong = problem?.message ?? (giver ? problemWithArtifact(kind, path, giver, reference.path) : null);
    if (wrong) written.scope.report.at([...written.path, 'with', ...path], wrong);
  }
}

/** What is wrong with a result for a parameter that is an artifact, such as `from` of prepare-data. */
function problemWithArtifact(
  { parameters }: StepKind,
  [name = '', ...deeper]: Path,
  giver: ReadStep['definition'],
  path: readonly string[],
): string | null {
  const parameter = deeper.length === 0 ? (parameters.shape as Record<string, z.ZodType>)[name] : undefined;
  const wanted = parameter ? kindOfArtifact(bare(parameter)) : null;
  const field = fieldAt(giver, path);
  if (wanted === null || field === null) return null;
  const made = kindOfArtifact(field);
  if (made === wanted) return null;
  const of = `${path.join('.')} of ${giver.own?.file ?? `a ${giver.uses} step`}`;
  return `${name} must be the ${wanted} of a step; ${of} is ${made === null ? 'no artifact' : `of the kind ${made}`}`;
}

/**
 * Parameters with their defaults, for one step of the plan; what still refers to results is checked again when these are
 * known. Null where something is wrong.
 */
export function parametersOf(
  { written, members }: ReadStep,
  { definition, values }: Member,
  kind: StepKind,
): Record<string, Json> | null {
  const own = Object.fromEntries(
    Object.entries(definition.with as Record<string, Json>).filter(([name]) => !Object.hasOwn(kind.inputs, name)),
  );
  const given = asRecipe(written, own, kind);
  if (!given) return null;
  const pending = findReferences(given).map((found) => found.path);
  const parsed = kind.parameters.safeParse(given);
  if (parsed.success) return JSON.parse(JSON.stringify(parsed.data)) as Record<string, Json>;
  const concernsPending = (inner: Path) =>
    pending.some((one) => one.every((part, index) => index >= inner.length || inner[index] === part));
  const { report } = written.scope;
  const problems = describeIssues(parsed.error.issues, given, (inner) => keysOfKind(kind, inner)).filter(
    ({ onKey, path }) => onKey || !concernsPending(path),
  );
  const where = values && members.length > 1 ? ` (where ${describe(values)})` : '';
  for (const { onKey, path, message } of problems)
    (onKey ? report.atKey : report.at)(
      [...written.path, 'with', ...path],
      message + stagesHint(kind, path, given) + where,
    );
  return problems.length > 0 ? null : given;
}

/** Which stages there are, where a text stands for one in place of `{ until: … }`. */
function stagesHint({ parameters }: StepKind, path: Path, { freeze, encoder }: Record<string, Json>): string {
  if (path.join('.') !== 'freeze' || typeof freeze !== 'string' || !('freeze' in parameters.shape)) return '';
  const known = trainingConfigSchema.shape.encoder.safeParse(encoder);
  return known.success ? freezeHint(known.data, freeze) : '';
}

/** Parameters with those of the recipe that they name. Null where there is no such recipe, which is reported. */
function asRecipe(
  { path, scope }: ReadStep['written'],
  { recipe, ...own }: Record<string, Json>,
  { recipes = {} }: StepKind,
): Record<string, Json> | null {
  const names = Object.keys(recipes);
  // A kind without recipes has no such parameter, and says so.
  if (recipe === undefined || names.length === 0) return recipe === undefined ? own : { ...own, recipe };
  const found = typeof recipe === 'string' && Object.hasOwn(recipes, recipe) ? recipes[recipe] : undefined;
  if (found) return withRecipe(found.with, own);
  scope.report.at(
    [...path, 'with', 'recipe'],
    `there is no recipe ${JSON.stringify(recipe)}${suggestion(String(recipe), names)}; there is: ${names.join(', ')}`,
  );
  return null;
}

const keysOfKind = ({ parameters, recipes }: StepKind, path: Path): string[] => [
  ...keysOf(parameters, path),
  ...(recipes && path.length === 0 ? ['recipe'] : []),
];

/** The keys that a schema allows at a path; of alternatives, those of all. */
function keysOf(schema: z.ZodType, path: Path): string[] {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    return keysOf(schema.unwrap() as z.ZodType, path);
  if (schema instanceof z.ZodUnion)
    return [...new Set(schema.options.flatMap((option) => keysOf(option as z.ZodType, path)))];
  if (!(schema instanceof z.ZodObject)) return [];
  const [head, ...rest] = path;
  if (head === undefined)
    return Object.entries(schema.shape).flatMap(([name, member]) => (isFilledIn(member as z.ZodType) ? [] : [name]));
  const member = schema.shape[String(head)];
  return member ? keysOf(member as z.ZodType, rest) : [];
}
