import { z } from 'zod';
import { artifactRefSchema, treePathSchema } from '../artifacts.ts';
import { isMapping } from '../json.ts';
import { artifactOf, type StepKind } from './kind.ts';
import { preparationParameters } from './prepare-data.ts';

export const nameSchema = z
  .string()
  .regex(/^[a-z][A-Za-z0-9_]{0,62}$/, 'must be letters, digits and underscores, starting with a small letter');
export const variableSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be the name of an environment variable: letters, digits, underscores')
  .refine((name) => !name.startsWith('CONTRAIL_'), 'must not begin with CONTRAIL_: those are set by Contrail');
const wordSchema = z.union([
  z.string().refine((text) => !text.includes('\0'), 'must not hold the character 0'),
  z.number(),
  z.boolean(),
  // What an earlier step gave may be a list; a program reads it as JSON.
  z.union([z.array(z.json()), z.record(z.string(), z.json())]).transform((value) => JSON.stringify(value)),
]);
/** Each has a variable of its own, whose name is in capitals. */
const named = <T extends z.ZodType>(member: T) =>
  z
    .record(nameSchema, member)
    .refine((all) => Object.keys(all).length <= 50, 'must be at most 50')
    .refine(
      (all) => new Set(Object.keys(all).map(variableOf)).size === Object.keys(all).length,
      'must have names that differ in more than capital letters',
    );

export const variableOf = (name: string): string => name.toUpperCase();

const outputSchema = z.union([
  z.strictObject({ folder: treePathSchema.describe('a folder that the program makes, from its working folder') }),
  z.strictObject({ file: treePathSchema.describe('a file that the program writes, from its working folder') }),
  preparationParameters.extend({
    dataset: treePathSchema.describe(
      'a folder of images that the program makes, one folder a class; it becomes a data set as by prepare-data, with its parameters',
    ),
  }),
]);
export type ProgramOutput = z.infer<typeof outputSchema>;

/** The kind of artifact that an output becomes, also where it is not parsed yet. */
const artifactOfOutput = (output: unknown) =>
  isMapping(output) && Object.hasOwn(output, 'dataset') ? ('dataset' as const) : ('files' as const);

/** What a field of a program's result may be declared as. */
export const fieldTypes = {
  number: z.number(),
  text: z.string(),
  boolean: z.boolean(),
  list: z.array(z.json()),
  mapping: z.record(z.string(), z.json()),
  any: z.json(),
} as const;
type FieldType = keyof typeof fieldTypes;

export const runParameters = z.strictObject({
  command: z
    .array(wordSchema)
    .min(1)
    .max(1000)
    .describe(
      'the program and its arguments, each a word of its own, a list or mapping as JSON; `${inputs.<name>}` and `${outputs.<name>}` stand for paths',
    ),
  shell: z
    .boolean()
    .default(false)
    .describe(
      'true: `command` is one text that /bin/sh reads; inputs and outputs are variables in it, such as $CONTRAIL_INPUT_DATA',
    ),
  inputs: named(artifactRefSchema)
    .default({})
    .describe(
      'artifacts of earlier steps, by a name: `data: ${steps.<id>.result.<field>}`; copies that can only be read',
    ),
  outputs: named(outputSchema)
    .default({})
    .describe(
      'what the program writes, by the field of the result that it becomes: `{ folder: path }`, `{ file: path }` or `{ dataset: path }` in its working folder',
    ),
  result: z
    .record(nameSchema, z.enum(Object.keys(fieldTypes) as [FieldType, ...FieldType[]]))
    .optional()
    .describe(
      'the fields that the program writes as JSON to the file that CONTRAIL_RESULT names, each `number`, `text`, `boolean`, `list`, `mapping` or `any`; where absent, any field may be there',
    ),
  env: z
    .record(variableSchema, wordSchema)
    .default({})
    .describe('variables for the program; a list or mapping is given as JSON'),
  passEnv: z
    .array(variableSchema)
    .max(100)
    .default([])
    .describe('variables of the worker that the program gets too: for secrets, whose values are written down nowhere'),
  sources: z
    .array(z.string().min(1).max(500))
    .max(100)
    .default([])
    .describe(
      'files that the program needs, as paths or patterns (`lib/**/*.py`) from the folder of the pipeline; a word of `command` that names a file there counts too',
    ),
  noRetry: z
    .array(z.int().min(1).max(255))
    .max(100)
    .default([])
    .describe('exit codes after which it is not tried again'),
});
export type RunParameters = z.infer<typeof runParameters>;

export const run = {
  description: 'Run a program of your own, in a process and a folder of its own; see [own-steps.md](own-steps.md)',
  version: 3,
  parameters: runParameters,
  result: z.object({}).catchall(z.any()),
  inputs: {},
  outputs: {},
  outcome: ({ outputs, result }) => {
    const made = Object.fromEntries(
      Object.entries(isMapping(outputs) ? outputs : {}).map(([name, output]) => [name, artifactOfOutput(output)]),
    );
    const artifacts = Object.fromEntries(Object.entries(made).map(([name, kind]) => [name, artifactOf(kind)]));
    const declared = isMapping(result)
      ? Object.fromEntries(
          Object.entries(result).flatMap(([name, type]) =>
            typeof type === 'string' && Object.hasOwn(fieldTypes, type) && !Object.hasOwn(made, name)
              ? [[name, fieldTypes[type as FieldType]]]
              : [],
          ),
        )
      : null;
    return {
      result: declared ? z.strictObject({ ...declared, ...artifacts }) : z.object(artifacts).catchall(z.json()),
      outputs: made,
    };
  },
  runs: 'process',
  queue: 'cpu',
  maximumAttempts: 3,
} as const satisfies StepKind;

const placePattern = /\$\{\s*(inputs|outputs)\.([A-Za-z0-9_]+)\s*\}/g;

/** A word with the places of inputs and outputs filled in. */
export const withPlaces = (
  word: string,
  places: Readonly<Record<'inputs' | 'outputs', Readonly<Record<string, string>>>>,
): string =>
  word.replaceAll(placePattern, (text, of: 'inputs' | 'outputs', name: string) =>
    Object.hasOwn(places[of], name) ? (places[of][name] ?? text) : text,
  );
