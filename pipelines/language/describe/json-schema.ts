import { z } from 'zod';
import type { StepKind } from '../../../contracts/kinds/kind.ts';
import { kindFromOwn, type OwnKind } from '../../../contracts/own-kind.ts';
import { type Recipes, recipesText } from '../../../contracts/recipes.ts';
import { stepKinds, writtenKindNames } from '../../../contracts/step-kinds.ts';
import { mustBeNamed } from '../check/inputs.ts';
import { pipelineDefinitionSchema, stepDefinitionSchema } from '../read/definition.ts';

type Schema = Record<string, unknown>;

/** A value may also be text that refers to a param or a result. */
const reference: Schema = {
  type: 'string',
  pattern: '\\$\\{[^}]+\\}',
  description: '${params.<name>} or ${steps.<id>.result.<field>}',
};

/** A step of the user's own. */
const ownFile: Schema = {
  type: 'string',
  pattern: '^\\./.+\\.[cm]?[jt]s$',
  description: 'a file beside the pipeline, such as ./steps/dedupe.ts',
};

const stepsById: Schema = { type: 'object', additionalProperties: { $ref: '#/$defs/step' } };

/**
 * JSON Schema of a pipeline file, for editors, from the schemas that validation uses.
 *
 * @param own the steps of the user's own whose parameters it knows; what others are given is anything
 */
export function pipelineJsonSchema(own: readonly OwnKind[] = []): Schema {
  const { $schema, ...pipeline } = toSchema(pipelineDefinitionSchema);
  const step = withoutSchema(toSchema(stepDefinitionSchema));
  return {
    $schema,
    title: 'Contrail pipeline',
    ...pipeline,
    required: ['name', 'steps'],
    properties: {
      ...(pipeline.properties as Schema),
      steps: { ...stepsById, minProperties: 1 },
      onFailure: { ...stepsById, description: pipelineDefinitionSchema.shape.onFailure.description },
      finally: { ...stepsById, description: pipelineDefinitionSchema.shape.finally.description },
    },
    $defs: {
      step: {
        ...step,
        properties: {
          ...settings(step.properties as Record<string, Schema>),
          uses: { anyOf: [{ enum: [...writtenKindNames, ...own.map(({ file }) => file)] }, ownFile] },
        },
        allOf: [
          ...writtenKindNames.map((name) => parametersOf(name, stepKinds[name], toSchema(stepKinds[name].parameters))),
          ...own.map((kind) =>
            parametersOf(kind.file, kindFromOwn(kind), withoutRefs(kind.parameters, () => true) as Schema),
          ),
        ],
      },
    },
  };
}

/** The keys of a step whose values may be references, and the lists of a matrix too. */
function settings(properties: Readonly<Record<string, Schema>>): Schema {
  const referable = ['maxParallel', 'tolerate', 'queue', 'priority', 'retry', 'timeout', 'cache'];
  const matrix = JSON.parse(JSON.stringify(properties.matrix), (_, value: unknown) =>
    typeof value === 'object' && value !== null && 'type' in value && value.type === 'array'
      ? { anyOf: [value, reference] }
      : value,
  ) as Schema;
  const others = referable.map((name) => [name, orReference(properties[name] ?? {})]);
  return { ...properties, ...Object.fromEntries(others), matrix };
}

/** @param schema of its parameters */
function parametersOf(name: string, kind: StepKind, schema: Schema): Schema {
  const parameters = withoutSchema(schema);
  const all = { ...kind.inputs, ...kind.otherInputs?.inputs };
  const inputs = Object.fromEntries(Object.keys(all).map((input) => [input, reference]));
  const recipe = kind.recipes ? { recipe: recipeSchema(kind.recipes) } : {};
  const properties = { ...recipe, ...(allowReferences(parameters.properties) as Schema), ...inputs };
  const named = Object.keys(kind.inputs).filter((input) => mustBeNamed(kind, input));
  const required = [...((parameters.required ?? []) as string[]), ...named];
  return {
    if: { properties: { uses: { const: name } }, required: ['uses'] },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own word
    then: {
      properties: {
        with: {
          ...parameters,
          description: kind.description,
          properties,
          ...(required.length > 0 ? { required } : {}),
        },
      },
    },
  };
}

const recipeSchema = (recipes: Recipes): Schema => ({
  enum: Object.keys(recipes),
  description: recipesText(recipes),
});

const toSchema = (schema: z.ZodType): Schema =>
  withoutRefs(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), isPlainData) as Schema;

const withoutSchema = ({ $schema: _, ...rest }: Schema): Schema => rest;

/** Plain data is a definition that refers to itself, under a name that no other schema may have. */
const isPlainData = (ref: string) => ref.startsWith('#/$defs/__schema');

/** A schema in which anything will do where it refers to a definition: one within another schema has no place of its own. */
function withoutRefs(value: unknown, isLeftOut: (ref: string) => boolean): unknown {
  if (Array.isArray(value)) return value.map((each) => withoutRefs(each, isLeftOut));
  if (typeof value !== 'object' || value === null) return value;
  if ('$ref' in value && typeof value.$ref === 'string' && isLeftOut(value.$ref)) return {};
  const members = Object.entries(value).filter(([key]) => key !== '$defs');
  return Object.fromEntries(members.map(([key, member]) => [key, withoutRefs(member, isLeftOut)]));
}

/** Lets every value inside be a reference instead. */
function allowReferences(properties: unknown): unknown {
  if (typeof properties !== 'object' || properties === null) return properties;
  const written = Object.entries(properties as Readonly<Record<string, Schema>>).filter(
    ([, { filledIn }]) => !filledIn,
  );
  return Object.fromEntries(
    written.map(([key, value]) => [
      key,
      value.holds === 'steps' ? { ...stepsById, description: value.description } : orReference(value),
    ]),
  );
}

/** The same for what is inside of each alternative. */
function referableInside(schema: Schema): Schema {
  const alternatives = (key: 'anyOf' | 'oneOf') =>
    Array.isArray(schema[key]) ? { [key]: (schema[key] as Schema[]).map(referableInside) } : {};
  return {
    ...schema,
    ...(schema.properties ? { properties: allowReferences(schema.properties) } : {}),
    ...alternatives('anyOf'),
    ...alternatives('oneOf'),
  };
}

function orReference(schema: Schema): Schema {
  const { description, default: initial, ...rest } = referableInside(schema);
  return {
    ...(description === undefined ? {} : { description }),
    ...(initial === undefined ? {} : { default: initial }),
    anyOf: [rest, reference],
  };
}
