import { z } from 'zod';
import { artifactKindSchema } from './artifacts.ts';
import { artifactOf, type StepKind } from './kinds/kind.ts';
import { nameSchema, variableSchema } from './kinds/run.ts';

/** The path of a step of the user's own, from the folder of the pipeline: `./steps/dedupe.ts`. */
export const isOwnPath = (uses: string): boolean => /^\.\/(?!.*(^|\/)\.\.(\/|$)).+\.[cm]?[jt]s$/.test(uses);

/** What a step of the user's own can make: a folder of files, or a data set. */
const ownOutputSchema = z.enum(['files', 'dataset']);
export type OwnOutput = z.infer<typeof ownOutputSchema>;

/**
 * A kind of step that the user wrote, as data: what was learned from its file in a process of its own. The plan holds it; the
 * code lies in the store.
 */
export const ownKindSchema = z.strictObject({
  file: z.string().refine(isOwnPath, 'must be a path such as ./steps/dedupe.ts'),
  version: z.int().nonnegative(),
  description: z.string().max(500).optional(),
  /** JSON Schemas of objects. */
  parameters: z.record(z.string(), z.json()),
  result: z.record(z.string(), z.json()),
  inputs: z.record(nameSchema, artifactKindSchema),
  outputs: z.record(nameSchema, ownOutputSchema),
  queue: z.enum(['cpu', 'gpu']).optional(),
  passEnv: z.array(variableSchema).max(100),
});
export type OwnKind = z.infer<typeof ownKindSchema>;

/**
 * Such a kind as one of ours. Its file checks parameters and result once more when it runs.
 *
 * @throws Error where its schemas say what cannot be read
 */
export function kindFromOwn(own: OwnKind): StepKind {
  const known = kinds.get(own);
  if (known) return known;
  const artifacts = Object.fromEntries(Object.entries(own.outputs).map(([name, made]) => [name, artifactOf(made)]));
  const kind: StepKind = {
    description: own.description ?? own.file,
    version: own.version,
    parameters: objectFrom(own.parameters),
    result: objectFrom(own.result).extend(artifacts),
    inputs: own.inputs,
    outputs: own.outputs,
    runs: 'process',
    queue: own.queue ?? 'cpu',
    maximumAttempts: 3,
  };
  kinds.set(own, kind);
  return kind;
}

const kinds = new WeakMap<OwnKind, StepKind>();

function objectFrom(schema: OwnKind['parameters']): z.ZodObject {
  const read = z.fromJSONSchema(withoutPatterns(schema) as Parameters<typeof z.fromJSONSchema>[0]);
  if (read instanceof z.ZodObject) return read;
  throw new TypeError('it must be the schema of an object');
}

/** A pattern is a program of its own, which may take for ever; the step's own process looks at those. */
function withoutPatterns(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPatterns);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      key === 'pattern' && typeof member === 'string' ? [] : [[key, withoutPatterns(member)]],
    ),
  );
}
