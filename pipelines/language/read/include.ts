import { stepIdSchema } from '../../../contracts/identifiers.ts';
import type { Json } from '../../../contracts/json.ts';
import { formatBytes, limits } from '../../../contracts/limits.ts';
import { findReferences, lookUp, type Reference, substitute, TooLarge, within } from '../expressions/references.ts';
import type { Problem, Report } from '../problems/problems.ts';
import { type Outline, readIncludedOutline } from './outline.ts';
import { withValues } from './params.ts';
import type { Scope, WrittenStep } from './written.ts';
import { readYaml } from './yaml-source.ts';

/** Reads a file by its path as the includes give it; a problem is a sentence such as "there is no such file". */
export type IncludedFiles = (file: string) => { readonly text: string } | { readonly problem: string };

interface Including {
  readonly file: string;
  readonly report: Report;
  /** Values of the file's params. */
  readonly params: Readonly<Record<string, Json>>;
  readonly outline: Outline<{ readonly include: readonly Include[] }>;
  readonly files: IncludedFiles | undefined;
  readonly problems: Problem[];
}

interface Include {
  readonly file: string;
  readonly as?: string | undefined;
  readonly with: Readonly<Record<string, Json>>;
}

interface Context {
  /** Before the ids of this file's steps. */
  readonly prefix: string;
  /** What names mean that the file itself does not have. */
  readonly outer: Scope | null;
  /** The files that are being read, from the pipeline to this one. */
  readonly trail: readonly string[];
  readonly tally: Tally;
}

/** What was read so far, in all files. */
interface Tally {
  includes: number;
  bytes: number;
  steps: number;
  /** A limit was exceeded, which was said; the rest is left out. */
  isOver: boolean;
}

/** The steps of a pipeline and of all that it includes, by their ids in the whole. */
export function readIncluded(including: Including): WrittenStep[] {
  const tally: Tally = { includes: 0, bytes: 0, steps: 0, isOver: false };
  const steps = stepsOf(including, { prefix: '', outer: null, trail: [including.file], tally });
  if (tally.isOver) return [];
  const first = new Map<string, WrittenStep>();
  for (const step of steps)
    if (first.has(step.id))
      step.scope.report.atKey(step.path, `there is a step ${step.id} already; include the file with another \`as\``);
    else first.set(step.id, step);
  return [...first.values()];
}

function stepsOf(including: Including, { prefix, outer, trail, tally }: Context): WrittenStep[] {
  const { report, params, outline } = including;
  tally.steps += outline.steps.length;
  if (tally.steps > limits.steps) {
    tally.isOver = true;
    report.atKey(['steps'], `these are more steps than a pipeline may have with all that it includes: ${limits.steps}`);
    return [];
  }
  const own = new Map(outline.steps.map(({ id }) => [id, prefix + id]));
  // Steps of an included file are named here by their whole ids, which are known once they are read.
  const included = new Set<string>();
  const scope: Scope = {
    report,
    params,
    isIncluded: outer !== null,
    idOf: (name) => own.get(name) ?? (included.has(prefix + name) ? prefix + name : (outer?.idOf(name) ?? null)),
    names: () => [...own.keys(), ...[...included].map((id) => id.slice(prefix.length)), ...(outer?.names() ?? [])],
  };
  const steps = outline.steps.map(
    ({ id, role, path, value }): WrittenStep => ({ id: prefix + id, role, path, value, scope }),
  );
  if (prefix !== '')
    for (const { id, path } of steps)
      if (!stepIdSchema.safeParse(id).success) report.atKey(path, `the step id ${id} is longer than 63 characters`);
  const inner = (outline.parts.include ?? []).flatMap((include, index) =>
    tally.isOver ? [] : readInclude(include, index, including, scope, { prefix, outer, trail, tally }),
  );
  for (const { id } of inner) included.add(id);
  return [...inner, ...steps];
}

function readInclude(
  include: Include,
  index: number,
  { file, report, params, files, problems }: Including,
  scope: Scope,
  { prefix, trail, tally }: Context,
): WrittenStep[] {
  const at = ['include', index, 'file'];
  const path = pathOf(file, include.file);
  if (path === null) {
    report.at(at, `${include.file} must be a .yaml file in the folder of this file, or below it`);
    return [];
  }
  if (trail.includes(path)) {
    report.at(at, `these files include each other: ${[...trail.slice(trail.indexOf(path)), path].join(' -> ')}`);
    return [];
  }
  const stop = (message: string) => {
    tally.isOver = true;
    report.at(at, message);
    return [];
  };
  if (++tally.includes > limits.includes)
    return stop(`a pipeline may include at most ${limits.includes} files; one that is included twice counts twice`);
  if (trail.length > limits.includeDepth)
    return stop(
      `files include each other more than ${limits.includeDepth} deep; at most ${limits.includeDepth} are allowed`,
    );
  const read = files?.(path) ?? { problem: 'no other file can be read here' };
  if ('problem' in read) {
    report.at(at, `${path} cannot be included: ${read.problem}`);
    return [];
  }
  tally.bytes += read.text.length;
  if (tally.bytes > limits.includedBytes)
    return stop(`the included files have more than ${formatBytes(limits.includedBytes)} together, which is the limit`);
  const source = readYaml({ text: read.text, file: path }, problems);
  const outline = source && readIncludedOutline(source.value, source.report);
  if (!source || !outline) return [];
  const given = valuesFor(include, index, scope, params);
  const values = withValues(outline.params, given, path, (name, message) =>
    Object.hasOwn(outline.params, name)
      ? report.at(['include', index, 'with', name], `${name} ${message}`)
      : report.atKey(['include', index, 'with', name], message),
  );
  const inner = prefix + (include.as === undefined ? '' : `${include.as}-`);
  return stepsOf(
    { file: path, report: source.report, params: values, outline, files, problems },
    { prefix: inner, outer: scope, trail: [...trail, path], tally },
  );
}

/** The values of `with`, its references to params filled in; those to steps stay. */
function valuesFor(
  include: Include,
  index: number,
  { report }: Scope,
  params: Readonly<Record<string, Json>>,
): Record<string, Json> {
  const values = include.with as Record<string, Json>;
  for (const { path, text, reference } of findReferences(values))
    if (
      (reference?.of !== 'steps' && reference?.of !== 'params') ||
      (reference.of === 'params' && lookUp({ ...params }, reference.path) === undefined)
    )
      report.at(
        ['include', index, 'with', ...path],
        reference?.of === 'params'
          ? `there is no param ${reference.path.join('.')}`
          : `\${${text}} is not a reference; write \${params.<name>} or \${steps.<id>.result.<field>}`,
      );
  const paramOf = (reference: Reference) =>
    reference.of === 'params' ? lookUp({ ...params }, reference.path) : undefined;
  try {
    return substitute(values, within(limits.filledBytes, paramOf)) as Record<string, Json>;
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    report.at(['include', index, 'with'], `with its params filled in, this has ${error.message}, which is the limit`);
    return {};
  }
}

/** The path of an included file, from where the including one's starts; null where it would leave its folder. */
function pathOf(file: string, included: string): string | null {
  if (!/\.ya?ml$/.test(included) || /^([\\/]|[A-Za-z]:)/.test(included) || included.includes('\\')) return null;
  const parts: string[] = [];
  for (const part of included.split('/'))
    if (part === '..') {
      if (parts.pop() === undefined) return null;
    } else if (part !== '.' && part !== '') parts.push(part);
  const folder = file.includes('/') ? `${file.slice(0, file.lastIndexOf('/'))}/` : '';
  return folder + parts.join('/');
}
