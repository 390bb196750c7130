import { ContrailError } from '../../contracts/errors.ts';
import type { Json } from '../../contracts/json.ts';
import { jsonSize } from '../../contracts/json-size.ts';
import { formatBytes, limits } from '../../contracts/limits.ts';
import { type Plan, planSchema } from '../../contracts/plan.ts';
import { checkSteps } from './check/check.ts';
import { checkSchedule } from './check/check-schedule.ts';
import type { OwnFiles } from './check/own-kinds.ts';
import { formatProblem, type Problem, type Report, reportByPath, TooManyProblems } from './problems/problems.ts';
import { type IncludedFiles, readIncluded } from './read/include.ts';
import { readOutline } from './read/outline.ts';
import { withValues } from './read/params.ts';
import { problemWithValue } from './read/plain-value.ts';
import { readSteps } from './read/read-step.ts';
import { withSweepSteps } from './read/sweep-steps.ts';
import { type PipelineSource, readYaml } from './read/yaml-source.ts';

export type { PipelineSource } from './read/yaml-source.ts';

export interface ReadOptions {
  /** Reads a file that a pipeline includes; without it, `include` is refused. */
  readonly files?: IncludedFiles;
  /** Finds the files of the user's own that steps run: those of programs (without it, they have none), and steps of their own. */
  readonly own?: OwnFiles;
  /** Whether its trainings may have checkpoints already, as those of a run that is resumed or forked. @default false */
  readonly begun?: boolean;
}

type Params = Readonly<Record<string, Json>>;
interface Outcome {
  readonly plan: Plan | null;
  readonly problems: readonly Problem[];
}

/**
 * Reads a pipeline and turns it into a plan.
 *
 * @param params values that replace the defaults of `params`
 * @throws ContrailError InvalidPipeline with every mistake on a line of its own, as `file:line:column: what`
 */
export const parsePipeline = (source: PipelineSource, params: Params = {}, options: ReadOptions = {}): Plan =>
  planOf(readPipeline(source, params, options));

/** Like `parsePipeline`, for a pipeline that a program made: mistakes are named by their path in the value. */
export const planPipeline = (value: unknown, file: string, params: Params = {}, options: ReadOptions = {}): Plan =>
  planOf(readPipelineValue(value, file, params, options));

function planOf({ plan, problems }: Outcome): Plan {
  if (plan && problems.length === 0) return plan;
  throw new ContrailError('InvalidPipeline', problems.map(formatProblem).join('\n'));
}

/** Like `parsePipeline`, but gives the mistakes as data. */
export function readPipeline(source: PipelineSource, params: Params = {}, options: ReadOptions = {}): Outcome {
  return collect((problems) => {
    const read = readYaml(source, problems);
    return read ? readDefinition(read.value, source.file, params, read.report, problems, options) : null;
  });
}

/** Like `planPipeline`, but gives the mistakes as data. */
export function readPipelineValue(
  value: unknown,
  file: string,
  params: Params = {},
  options: ReadOptions = {},
): Outcome {
  return collect((problems) => {
    const report = reportByPath(file, problems);
    const problem = problemWithValue(value);
    if (!problem) return readDefinition(value, file, params, report, problems, options);
    report.at(problem.path, problem.message);
    return null;
  });
}

/**
 * The `with` of each step of a pipeline that has no mistake, as it is written, its params filled in: without defaults, and with the name
 * of its recipe. By the step's id in the plan; steps that are as many as a list of a result has, by that before the `@`.
 */
export function writtenSettings(
  pipeline: PipelineSource | { readonly value: unknown; readonly file: string },
  params: Params,
  options: ReadOptions,
): ReadonlyMap<string, Params> {
  const problems: Problem[] = [];
  const yaml = 'text' in pipeline ? readYaml(pipeline, problems) : null;
  const value = 'text' in pipeline ? yaml?.value : pipeline.value;
  const report = yaml?.report ?? reportByPath(pipeline.file, problems);
  const parts = readParts(value, pipeline.file, params, report, problems, options);
  const steps = parts ? [...readSteps(parts.steps).values()] : [];
  return new Map(
    steps.flatMap(({ members }) => members.map(({ id, definition }) => [id, definition.with as Params] as const)),
  );
}

function collect(read: (problems: Problem[]) => Plan | null): Outcome {
  const problems: Problem[] = [];
  try {
    return outcome(read(problems), problems);
  } catch (error) {
    if (error instanceof TooManyProblems) return outcome(null, problems);
    throw error;
  }
}

/** Mistakes by file, in the order in which files were read, and by place; each once. */
function outcome(plan: Plan | null, problems: readonly Problem[]): Outcome {
  const files = [...new Set(problems.map(({ file }) => file))];
  const once = [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()];
  return {
    plan: problems.length === 0 ? plan : null,
    problems: once.toSorted(
      (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
    ),
  };
}

function readDefinition(
  value: unknown,
  file: string,
  params: Params,
  report: Report,
  problems: Problem[],
  options: ReadOptions,
): Plan | null {
  const parts = readParts(value, file, params, report, problems, options);
  if (!parts) return null;
  const { outline, values, steps } = parts;
  const { schedule } = outline.parts;
  const { own, begun } = options;
  const checked = checkSteps(steps, outline.parts.defaults ?? {}, { own, begun });
  if (!checked || problems.length > 0) return null;
  const { name, description } = outline.parts;
  const whole = planSchema.safeParse({
    name,
    ...(description === undefined ? {} : { description }),
    params: values,
    ...checked,
    ...(schedule === undefined ? {} : { schedule }),
  });
  const bytes = whole.success ? jsonSize(whole.data as unknown as Json) : 0;
  if (bytes > limits.planBytes) {
    report.at(
      [],
      `the plan of this pipeline has ${formatBytes(bytes)}; at most ${formatBytes(limits.planBytes)} are allowed. Shorten its params, or divide it`,
    );
    return null;
  }
  if (!whole.success) throw new Error(`The plan of ${file} is not one: ${whole.error.message}`);
  return whole.data;
}

/** What a pipeline is made of, before its steps are checked: its params, and its steps with those that it includes. */
function readParts(
  value: unknown,
  file: string,
  params: Params,
  report: Report,
  problems: Problem[],
  { files }: ReadOptions,
) {
  const outline = readOutline(value, report);
  if (!outline) return null;
  for (const [name, given] of Object.entries(params)) {
    const problem = problemWithValue(given, [name]);
    if (problem) {
      report.outside(`--set ${name}`, problem.message);
      return null;
    }
  }
  const values = withValues(outline.params, params, 'the pipeline', (name, message) =>
    report.outside(`--set ${name}`, message),
  );
  const { schedule } = outline.parts;
  if (schedule) checkSchedule(schedule, outline.params, report);
  const steps = withSweepSteps(readIncluded({ file, report, params: values, outline, files, problems }));
  return { outline, values, steps };
}
