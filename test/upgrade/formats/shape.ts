import { z } from 'zod';
import { canonicalJson, type Json } from '../../../contracts/json.ts';

/**
 * What a reader takes, as plain data that a person can review and a program can compare. A name is a type without limits; `anything`
 * is any JSON.
 */
export type Shape = ShapeName | Limited | Choice | ObjectShape | RecordShape | ListShape | TupleShape | EitherShape;

const shapeNames = ['string', 'number', 'integer', 'boolean', 'null', 'anything'] as const;
export type ShapeName = (typeof shapeNames)[number];

interface Common {
  /** What stands for it where it is absent. */
  readonly default?: Json;
  /** What is asked of it besides its form, in the words of the error. */
  readonly refined?: readonly string[];
}

/** A single value, within limits by the words of JSON Schema. */
export interface Limited extends Common {
  readonly type: ShapeName;
  readonly limits?: { readonly [limit: string]: Json };
}

/** One of these values. */
export interface Choice extends Common {
  readonly is: readonly Json[];
}

/** A name that ends in `?` may be absent. Other names are refused, unless `others` says what they may hold. */
export interface ObjectShape extends Common {
  readonly of: { readonly [name: string]: Shape };
  readonly others?: Shape;
}

/** Any names that fit `names`, each with a value. */
export interface RecordShape extends Common {
  readonly record: Shape;
  readonly names?: Shape;
}

export interface ListShape extends Common {
  readonly list: Shape;
  readonly limits?: { readonly [limit: string]: Json };
}

export interface TupleShape extends Common {
  readonly tuple: readonly Shape[];
}

export interface EitherShape extends Common {
  readonly either: readonly Shape[];
}

type JsonSchema = { readonly [word: string]: Json };

/** Of a format the pattern follows. */
const formatsWithPattern: readonly Json[] = ['uuid', 'date-time', 'base64'];
/** Words that change nothing of what is taken. */
const idleWords = ['$schema', '$defs', 'description', 'title', 'examples', 'id', 'contentEncoding'];
const safe = Number.MAX_SAFE_INTEGER;

/**
 * The shape of what a schema reads.
 *
 * @param name of the format, for messages
 * @throws Error for a schema that has no shape of this kind
 */
export function shapeOf(schema: z.ZodType, name: string): Shape {
  const described = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const refined = refinementsOf(zodSchema);
      if (refined.length > 0) Object.assign(jsonSchema, { refined });
    },
  });
  return fromJsonSchema(JSON.parse(JSON.stringify(described)) as JsonSchema, name);
}

/** The messages of checks that JSON Schema has no word for. */
function refinementsOf({ _zod: { def } }: z.core.$ZodTypes): string[] {
  return (def.checks ?? []).flatMap((check) => {
    const { check: kind, error } = check._zod.def;
    if (kind !== 'custom') return [];
    const said = error?.({ code: 'custom', input: undefined, path: [], message: '' } as never);
    return typeof said === 'string' ? said : (said?.message ?? 'a check of its own');
  });
}

/** @param at for messages */
function fromJsonSchema(schema: JsonSchema, at: string): Shape {
  const words = Object.fromEntries(Object.entries(schema).filter(([word]) => !idleWords.includes(word))) as JsonSchema;
  const { default: preset, refined, ...rest } = words;
  const common = {
    ...(preset === undefined ? {} : { default: preset }),
    ...(refined === undefined ? {} : { refined: refined as string[] }),
  };
  const shape = plainShape(rest, at);
  if (Object.keys(common).length === 0) return shape;
  return typeof shape === 'string' ? { type: shape, ...common } : { ...shape, ...common };
}

function plainShape(schema: JsonSchema, at: string): Shape {
  const { type, ...rest } = schema;
  // Plain data is a definition that refers to itself.
  if ('$ref' in schema || Object.keys(schema).length === 0) return 'anything';
  if ('const' in schema) return { is: [schema.const as Json] };
  if ('enum' in schema) return { is: sorted(schema.enum as Json[]) };
  const either = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
  if (either) {
    if (either.some((each) => JSON.stringify(each).includes('"$ref"') && each.type === 'array')) return 'anything';
    return oneOf(either.map((each, index) => fromJsonSchema(each, `${at}|${index + 1}`)));
  }
  if (Array.isArray(type)) return oneOf(type.map((each) => plainShape({ ...rest, type: each }, at)));
  if (type === 'object') return objectShape(rest, at);
  if (type === 'array') return listShape(rest, at);
  if (!shapeNames.some((each) => each === type)) throw new Error(`${at} has no shape: ${JSON.stringify(schema)}`);
  const limits = limitsOf(rest);
  return Object.keys(limits).length === 0 ? (type as ShapeName) : { type: type as ShapeName, limits };
}

/** Values that are one of a few become one choice. */
function oneOf(shapes: readonly Shape[]): Shape {
  const choices = shapes.flatMap((each) => (isPlainChoice(each) ? each.is : []));
  const others = shapes.filter((each) => !isPlainChoice(each));
  const all: Shape[] = [...(choices.length > 0 ? [{ is: sorted(choices) }] : []), ...others];
  const [only] = all;
  return only !== undefined && all.length === 1 ? only : { either: all };
}

const isPlainChoice = (shape: Shape): shape is Choice =>
  typeof shape !== 'string' && 'is' in shape && shape.default === undefined && shape.refined === undefined;

const sorted = (values: readonly Json[]) => [...values].sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1));

function limitsOf({ pattern, ...words }: JsonSchema): { readonly [limit: string]: Json } {
  const limits = Object.entries(words).filter(([word, value]) => {
    return !(word === 'minimum' && value === -safe) && !(word === 'maximum' && value === safe);
  });
  const hasPattern = pattern !== undefined && !formatsWithPattern.includes(words.format ?? null);
  return Object.fromEntries([...limits, ...(hasPattern ? [['pattern', pattern as Json] as const] : [])].sort());
}

function objectShape(schema: JsonSchema, at: string): Shape {
  const { properties, required, additionalProperties: others, propertyNames } = schema;
  if (properties === undefined && propertyNames !== undefined) {
    const names = fromJsonSchema(propertyNames as JsonSchema, `${at} (names)`);
    const record = fromJsonSchema(others as JsonSchema, `${at}.*`);
    const needed = new Set(required as string[] | undefined);
    // A name for each of a few is an object.
    if (needed.size > 0) return { of: Object.fromEntries([...needed].sort().map((name) => [name, record])) };
    return names === 'string' ? { record } : { record, names };
  }
  const needed = new Set(required as string[] | undefined);
  const members = Object.entries((properties ?? {}) as { [name: string]: JsonSchema })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => [needed.has(name) ? name : `${name}?`, fromJsonSchema(each, `${at}.${name}`)] as const);
  const of = Object.fromEntries(members);
  return others === false
    ? { of }
    : { of, others: others ? fromJsonSchema(others as JsonSchema, `${at}.*`) : 'anything' };
}

function listShape({ items, prefixItems, ...rest }: JsonSchema, at: string): Shape {
  if (prefixItems)
    return { tuple: (prefixItems as JsonSchema[]).map((each, index) => fromJsonSchema(each, `${at}[${index}]`)) };
  const list = fromJsonSchema((items ?? {}) as JsonSchema, `${at}[]`);
  const limits = limitsOf(rest);
  return Object.keys(limits).length === 0 ? { list } : { list, limits };
}
