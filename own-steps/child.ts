import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { isContrailError, permanentErrorCodes } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import { type ChildTask, childTaskSchema, type Described } from './child-messages.ts';
import type { OwnStep } from './define.ts';

/**
 * The process of a step of the user's own: loads its file, and either says what it is or runs it. Nothing of the user's is
 * loaded anywhere else.
 */
const pollMs = 50;

class Refused extends Error {
  constructor(
    readonly code: 'ProgramFailed' | 'ProgramRefused' | 'InvalidInput' | 'InvalidResult',
    message: string,
  ) {
    super(message);
  }
}

/** A file appears whole, or not at all. */
function writeWhole(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(value));
  renameSync(`${path}.new`, path);
}

async function load(file: string): Promise<OwnStep> {
  const loaded = (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
  const value = loaded.default;
  // A CommonJS module comes as the default of what was loaded.
  const inner = typeof value === 'object' && value !== null && 'default' in value ? value.default : value;
  if (typeof inner === 'object' && inner !== null && 'mark' in inner && inner.mark === 'contrail-step/1')
    return inner as OwnStep;
  throw new Refused('InvalidInput', 'its default export must be a step, as in `export default defineStep({ … })`');
}

const schemaOf = (schema: z.ZodObject | undefined, io: 'input' | 'output') => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema ?? z.object({}), {
    io,
    unrepresentable: 'any',
    // A parameter that is written wrong is one too many, also deeper inside: zod would pass it over in silence. Of what is an
    // intersection, a member that one side does not know may be the other's.
    override: ({ zodSchema: { _zod: inner }, jsonSchema, path }) => {
      const isOpen = inner.def.type !== 'object' || inner.def.catchall !== undefined || path.includes('allOf');
      if (!isOpen) jsonSchema.additionalProperties = false;
    },
  });
  return rest as unknown as Record<string, Json>;
};

function describe({ options }: OwnStep): Described {
  const { version = 1, description, inputs = {}, outputs = {}, queue, passEnv = [], sources = [] } = options;
  if (typeof options.run !== 'function') throw new Refused('InvalidInput', 'it has no `run`');
  const twice = Object.keys(options.result?.shape ?? {}).find((name) => Object.hasOwn(outputs, name));
  if (twice !== undefined) throw new Refused('InvalidInput', `${twice} is a field of its result and an output`);
  return {
    version,
    ...(description === undefined ? {} : { description }),
    parameters: schemaOf(options.with, 'input'),
    result: schemaOf(options.result, 'output'),
    inputs,
    outputs,
    ...(queue === undefined ? {} : { queue }),
    passEnv: [...passEnv],
    sources: [...sources],
  };
}

async function perform({ options }: OwnStep, task: NonNullable<ChildTask['run']>): Promise<Record<string, Json>> {
  const parameters = (options.with ?? z.object({})).safeParse(task.parameters);
  if (!parameters.success)
    throw new Refused('InvalidInput', `its parameters are not valid: ${z.prettifyError(parameters.error)}`);
  const controller = new AbortController();
  process.on('SIGTERM', () => controller.abort());
  let state = task.state;
  let kept = 0;
  const given = await options.run({
    parameters: parameters.data,
    inputs: task.inputs,
    outputs: task.outputs,
    signal: controller.signal,
    log: (line) => void process.stdout.write(`${line}\n`),
    progress: (fraction, text) =>
      appendFileSync(task.progress, `${JSON.stringify({ fraction, ...(text === undefined ? {} : { text }) })}\n`),
    checkpoint: async (next) => {
      const path = `${task.checkpoints}-${++kept}`;
      writeWhole(path, next);
      while (!existsSync(`${path}.kept`)) await new Promise((resolve) => setTimeout(resolve, pollMs));
      state = next;
    },
    restore: () => state,
    run: task.run,
    step: task.step,
    attempt: task.attempt,
  });
  const result = (options.result ?? z.object({})).safeParse(given ?? {});
  if (result.success) return result.data as Record<string, Json>;
  throw new Refused('InvalidResult', `its result is not what it declares: ${z.prettifyError(result.error)}`);
}

/** What went wrong, in the user's terms. Its stack, which names lines of theirs, is printed. */
function failureOf(error: unknown) {
  if (error instanceof Refused) return { code: error.code, message: error.message };
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  process.stderr.write(`${error instanceof Error ? (error.stack ?? message) : message}\n`);
  // The writer of data sets knows what another attempt would meet as well.
  const isOurs = isContrailError(error);
  const isPermanent = name === 'PermanentError' || (isOurs && permanentErrorCodes.includes(error.code));
  return {
    code: isPermanent ? ('ProgramRefused' as const) : ('ProgramFailed' as const),
    message: name === 'Error' || isPermanent || isOurs ? message : `${name}: ${message}`,
  };
}

const task = childTaskSchema.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));
let answer: object;
try {
  const step = await load(task.file);
  answer = task.run ? { result: await perform(step, task.run) } : { described: describe(step) };
} catch (error) {
  answer = { failure: failureOf(error) };
}
try {
  writeWhole(task.answer, answer);
} catch (error) {
  writeWhole(task.answer, { failure: { code: 'InvalidResult', message: `its result cannot be JSON: ${error}` } });
}
// A timer or a connection that the step left open must not keep it.
process.exit('failure' in answer ? 1 : 0);
