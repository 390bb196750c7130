import { LineCounter, parseAllDocuments } from 'yaml';
import { ContrailError } from '../../contracts/errors.ts';
import { stepIdSchema } from '../../contracts/identifiers.ts';
import type { Json } from '../../contracts/json.ts';
import { type Plan, planSchema } from '../../contracts/plan.ts';
import { checkPipeline } from './check.ts';
import { pipelineDefinitionSchema } from './definition.ts';
import { describeIssues } from './issues.ts';
import { formatProblem, type Path, type Places, type Problem, placesIn } from './problems.ts';

const maximumBytes = 1024 * 1024;

export interface PipelineSource {
  readonly text: string;
  /** What to call it in messages. */
  readonly file: string;
}

/** Collects mistakes at places in the file. */
export interface Report {
  readonly at: (path: Path, message: string) => void;
  readonly atKey: (path: Path, message: string) => void;
  /** A mistake that is not in the file. */
  readonly outside: (where: string, message: string) => void;
}

/**
 * Reads a pipeline and turns it into a plan.
 *
 * @param params values that replace the defaults of `params`
 * @throws ContrailError InvalidPipeline with every mistake on a line of its own, as `file:line:column: what`
 */
export function parsePipeline(source: PipelineSource, params: Readonly<Record<string, Json>> = {}): Plan {
  const { plan, problems } = readPipeline(source, params);
  if (plan && problems.length === 0) return plan;
  throw new ContrailError('InvalidPipeline', problems.map(formatProblem).join('\n'));
}

/** Like `parsePipeline`, but gives the mistakes as data. */
export function readPipeline(
  { text, file }: PipelineSource,
  params: Readonly<Record<string, Json>> = {},
): { plan: Plan | null; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const add = (place: { line: number; column: number }, message: string) => problems.push({ file, ...place, message });
  const finish = (plan: Plan | null) => ({
    plan,
    problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
  });
  if (text.length > maximumBytes) {
    add({ line: 1, column: 1 }, `the file is larger than ${maximumBytes} bytes`);
    return finish(null);
  }
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const [document, second] = Array.isArray(documents) ? documents : [];
  if (!document) {
    add({ line: 1, column: 1 }, 'the file is empty; a pipeline needs name and steps');
    return finish(null);
  }
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    add(
      { line, column: col },
      error.code === 'DUPLICATE_KEY' ? 'this key is there twice' : `not valid YAML: ${error.message}`,
    );
  }
  if (second) {
    const { line, col } = lines.linePos(second.range?.[0] ?? 0);
    add({ line, column: col }, 'only one document is allowed in a file');
  }
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY') || second) return finish(null);
  const places = placesIn(document, lines);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    add({ line: 1, column: 1 }, error instanceof Error ? error.message : String(error));
    return finish(null);
  }
  const plan = readDefinition(value, params, reportTo(places, file, problems));
  return finish(problems.length === 0 ? plan : null);
}

function reportTo(places: Places, file: string, problems: Problem[]): Report {
  return {
    at: (path, message) => problems.push({ file, ...places.ofValue(path), message }),
    atKey: (path, message) => problems.push({ file, ...places.ofKey(path), message }),
    outside: (where, message) => problems.push({ file: where, line: 0, column: 0, message }),
  };
}

function readDefinition(value: unknown, params: Readonly<Record<string, Json>>, report: Report): Plan | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report.at([], 'a pipeline is a mapping with name and steps');
    return null;
  }
  const parsed = pipelineDefinitionSchema.safeParse(value);
  if (!parsed.success) {
    const keysAt = (path: Path) =>
      Object.keys(
        path[0] === 'defaults'
          ? pipelineDefinitionSchema.shape.defaults.unwrap().shape
          : pipelineDefinitionSchema.shape,
      );
    for (const { path, onKey, message } of describeIssues(parsed.error.issues, value, keysAt))
      (onKey ? report.atKey : report.at)(path, message);
  }
  const loose = value as { readonly [key: string]: unknown };
  const asMap = (key: string) =>
    typeof loose[key] === 'object' && loose[key] !== null && !Array.isArray(loose[key])
      ? (loose[key] as Record<string, Json>)
      : {};
  const steps = asMap('steps');
  if (loose.steps !== undefined && Object.keys(steps).length === 0 && typeof loose.steps === 'object')
    report.atKey(['steps'], 'steps is empty; at least one step is needed');
  for (const id of Object.keys(steps)) {
    const checked = stepIdSchema.safeParse(id);
    if (!checked.success)
      report.atKey(['steps', id], `the step id ${JSON.stringify(id)} ${checked.error.issues[0]?.message}`);
  }
  const plan = checkPipeline(
    { params: asMap('params'), defaults: parsed.success ? parsed.data.defaults : {}, steps },
    params,
    report,
  );
  if (!parsed.success || !plan) return null;
  const whole = planSchema.safeParse({
    name: parsed.data.name,
    ...(parsed.data.description === undefined ? {} : { description: parsed.data.description }),
    ...plan,
  });
  return whole.success ? whole.data : null;
}
