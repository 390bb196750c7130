import { realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import type { OwnKind } from '../contracts/own-kind.ts';
import type { Plan } from '../contracts/plan.ts';
import type { Source } from '../contracts/schedules.ts';
import { explained } from '../contracts/system-errors.ts';
import {
  formatProblem,
  type IncludedFiles,
  type OwnFiles,
  parsePipeline,
  planPipeline,
  readPipeline,
  readPipelineValue,
  writtenSettings,
} from '../pipelines/language/index.ts';
import { keptCode, type OwnCode, ownCodeIn, withoutCode } from './own-code.ts';
import { readTextFile } from './text-file.ts';

/** A pipeline that was read from its file. */
export interface PipelineFile {
  /** @throws ContrailError InvalidPipeline */
  readonly plan: (params: Readonly<Record<string, Json>>) => Plan;
  /** The `with` of each step as it is written, by its id in the plan. The pipeline must have no mistake. */
  readonly written: (params: Readonly<Record<string, Json>>) => ReturnType<typeof writtenSettings>;
  /**
   * The pipeline as it is written, with all that the plans so far included, so that it can be planned again when its files
   * are gone. A program is kept as the value that it made.
   */
  readonly source: () => Source;
  /** The files of the user's own that its steps run. */
  readonly code: OwnCode;
  /**
   * What its steps of the user's own are, whatever else is wrong with it.
   *
   * @throws ContrailError InvalidPipeline that names the place of each that is none
   */
  readonly ownKinds: () => readonly OwnKind[];
}

/**
 * Reads a pipeline: a YAML file, or a program whose default export is one. Each file is read once.
 *
 * @param options.runCode false: nothing of the user's is run, neither a pipeline that is a program nor a step's file
 * @throws ContrailError InvalidPipeline, Usage
 */
export async function openPipelineFile(
  file: string,
  { runCode = true }: { readonly runCode?: boolean } = {},
): Promise<PipelineFile> {
  const text = readTextFile(file);
  const name = relative('.', file) || file;
  if (!runCode && isProgram(file))
    throw new ContrailError('Usage', `${name} is a program, which --no-code does not run. Give a YAML file.`);
  const value = isProgram(file) ? await loadProgram(file, name) : undefined;
  const read = includedFiles(dirname(file));
  const included = new Map<string, ReturnType<IncludedFiles>>();
  const files: IncludedFiles = (path) => {
    const found = included.get(path) ?? read(path);
    included.set(path, found);
    return found;
  };
  const code = ownCodeIn(dirname(file));
  const mistakes = (own: OwnFiles) =>
    (value === undefined
      ? readPipeline({ text, file: name }, {}, { files, own })
      : readPipelineValue(value, name, {}, { files, own })
    ).problems;
  const named = ownStepsIn(mistakes);
  if (runCode) await code.load(named);
  const options = { files, own: runCode ? code.find : withoutCode };
  return {
    code,
    ownKinds: () => {
      const wrong = mistakes(options.own).filter(({ message }) =>
        [...named].some((each) => message.startsWith(`${each}: `)),
      );
      if (wrong.length > 0) throw new ContrailError('InvalidPipeline', wrong.map(formatProblem).join('\n'));
      return code.kinds();
    },
    plan: (params) =>
      value === undefined
        ? parsePipeline({ text, file: name }, params, options)
        : planPipeline(value, name, params, options),
    written: (params) =>
      writtenSettings(value === undefined ? { text, file: name } : { value, file: name }, params, options),
    source: () => {
      const texts = [...included].flatMap(([path, found]) => ('text' in found ? [[path, found.text] as const] : []));
      return {
        file: name,
        text: value === undefined ? text : JSON.stringify(value, null, 2),
        ...(texts.length > 0 ? { included: Object.fromEntries(texts) } : {}),
        ...code.found(),
      };
    },
  };
}

/** The files of the steps of the user's own that a pipeline names; what is wrong with it is found when it is planned. */
function ownStepsIn(read: (own: OwnFiles) => unknown): ReadonlySet<string> {
  const named = new Set<string>();
  read({
    steps: (file) => {
      named.add(file);
      return { problem: '' };
    },
  });
  return named;
}

/** Reads, checks and plans a pipeline. @throws ContrailError InvalidPipeline, Usage */
export const readPipelineFile = async (
  file: string,
  params: Readonly<Record<string, Json>>,
  options: { readonly runCode?: boolean } = {},
): Promise<Plan> => (await openPipelineFile(file, options)).plan(params);

/**
 * Plans a pipeline that was kept.
 *
 * @param options.begun of a run whose trainings may have checkpoints
 * @throws ContrailError InvalidPipeline
 */
export const planSource = (
  { file, text, included = {}, ...kept }: Source,
  params: Readonly<Record<string, Json>> = {},
  { begun = false }: { readonly begun?: boolean } = {},
): Plan =>
  parsePipeline({ file, text }, params, {
    begun,
    own: keptCode(kept),
    files: (path) => {
      const found = included[path];
      return found === undefined ? { problem: 'it was not kept with the run' } : { text: found };
    },
  });

const isProgram = (file: string) => /\.[cm]?[jt]s$/.test(file);

/** Reads files that a pipeline includes. A link must not lead out of the pipeline's folder. */
function includedFiles(folder: string): IncludedFiles {
  return (file) => {
    try {
      const inside = relative(realpathSync(folder), realpathSync(file));
      if (inside.startsWith('..') || isAbsolute(inside)) return { problem: 'it is a link to another folder' };
      // A pipe would be waited for without end.
      if (!statSync(file).isFile()) return { problem: 'it is not a file' };
      return { text: readTextFile(file) };
    } catch (cause) {
      return { problem: whyUnreadable(cause) };
    }
  };
}

const whyUnreadable = (cause: unknown): string => explained(cause)?.message ?? String(cause);

async function loadProgram(file: string, name: string): Promise<unknown> {
  let loaded: { readonly default?: unknown };
  try {
    // Pipelines in YAML need no compiler.
    const { tsImport } = await import('tsx/esm/api');
    loaded = (await tsImport(pathToFileURL(resolve(file)).href, import.meta.url)) as { readonly default?: unknown };
  } catch (cause) {
    const { message, place } = isContrailError(cause) ? { message: cause.message, place: '' } : failureIn(file, cause);
    throw new ContrailError('InvalidPipeline', `${name}${place}: ${message}`, { cause });
  }
  const value = loaded.default;
  // A CommonJS module comes as the default of what was loaded.
  const isModule = typeof value === 'object' && value !== null && '__esModule' in value;
  const pipeline = isModule ? (value as { readonly default?: unknown }).default : value;
  if (pipeline === undefined)
    throw new ContrailError(
      'InvalidPipeline',
      `${name}: the file has no default export; it must be the pipeline, as in \`export default definePipeline(…)\``,
    );
  return pipeline;
}

/** The message of an error in a program, and the place in it that it comes from, as `:line:column`. */
function failureIn(file: string, error: unknown): { readonly message: string; readonly place: string } {
  if (!(error instanceof Error)) return { message: String(error), place: '' };
  const [, line, column, syntax] = /:(\d+):(\d+): ERROR: (.*)/.exec(error.message) ?? [];
  if (syntax !== undefined) return { message: syntax, place: `:${line}:${Number(column) + 1}` };
  const frame = (error.stack ?? '').split('\n').find((each) => each.includes(resolve(file))) ?? '';
  const place = /:\d+:\d+(?=\)?$)/.exec(frame)?.[0] ?? '';
  return { message: error.message.split('\n')[0] ?? error.name, place };
}
