import { z } from 'zod';
import type { StepKind } from '../../../contracts/kinds/kind.ts';
import { recipesText } from '../../../contracts/recipes.ts';
import { stepKinds, writtenKindNames } from '../../../contracts/step-kinds.ts';
import { mustBeNamed } from '../check/inputs.ts';

type Schema = Readonly<Record<string, unknown>>;

interface Row {
  readonly name: string;
  readonly initial: string;
  readonly meaning: string;
}

const asSchema = (schema: z.ZodType, io: 'input' | 'output') =>
  z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' }) as Schema;

const objects = (value: unknown): Schema[] =>
  Array.isArray(value) ? value.filter((each): each is Schema => typeof each === 'object' && each !== null) : [];
/** The choices of a schema, those of choices among them. */
const alternativesOf = (schema: Schema): Schema[] =>
  [...objects(schema.anyOf), ...objects(schema.oneOf)].flatMap((each) => {
    const inner = alternativesOf(each);
    return inner.length > 0 ? inner : [each];
  });
const propertiesOf = (schema: Schema): [string, Schema][] =>
  Object.entries((schema.properties ?? {}) as Schema) as [string, Schema][];
const isRequired = (schema: Schema, name: string) => Array.isArray(schema.required) && schema.required.includes(name);

const code = (value: unknown) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** What a value may be, in words: `whole number 1 to 5`, `` `adam`, `sgd` or a mapping ``. */
function typeOf(schema: Schema): string {
  const alternatives = alternativesOf(schema);
  if (alternatives.length > 0) {
    // Several mappings are told apart by their rows.
    const words = [...new Set(alternatives.map(typeOf))];
    return words.length === 1 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  }
  if (Array.isArray(schema.type)) return schema.type.map((type: unknown) => typeOf({ ...schema, type })).join(' or ');
  if (schema.const !== undefined) return code(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map(code).join(', ');
  if (Array.isArray(schema.prefixItems)) {
    const [first = {}] = objects(schema.prefixItems);
    return `list of ${schema.prefixItems.length} ${plural(typeOf(first))}`;
  }
  if (schema.type === 'array') return `list of ${plural(typeOf((schema.items ?? {}) as Schema))}`;
  if (schema.type === 'object') return 'mapping';
  if (schema.type === 'integer' || schema.type === 'number')
    return [schema.type === 'integer' ? 'whole number' : 'number', rangeOf(schema)]
      .filter((part) => part !== '')
      .join(' ');
  if (schema.type === 'boolean') return 'true or false';
  return schema.type === 'string' ? 'text' : schema.type === 'null' ? 'null' : 'any value';
}

const plural = (words: string) =>
  words.replace(/^(whole number|number|mapping|list)/, '$1s').replace(/^text$/, 'texts');

function rangeOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): string {
  const isSafe = (value: unknown) => typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  const from = isSafe(minimum) ? `from ${minimum}` : isSafe(exclusiveMinimum) ? `above ${exclusiveMinimum}` : '';
  const to = isSafe(maximum) ? `to ${maximum}` : isSafe(exclusiveMaximum) ? `below ${exclusiveMaximum}` : '';
  return [from, to].filter((part) => part !== '').join(' ');
}

/** A row for each parameter, and for what is inside it; of alternatives that are mappings, all that one of them has. */
function rowsOf(schema: Schema, prefix: string): Row[] {
  return propertiesOf(schema).flatMap(([name, member]) => {
    // What the run fills in nobody writes.
    if (member.filledIn === true) return [];
    const path = prefix + name;
    const description = typeof member.description === 'string' ? member.description : '';
    const initial =
      member.default !== undefined && JSON.stringify(member.default) !== '{}'
        ? code(member.default)
        : isRequired(schema, name)
          ? 'needed'
          : '';
    return [
      { name: path, initial, meaning: [typeOf(member), description].filter((part) => part !== '').join(': ') },
      ...innerRows(member, `${path}.`),
    ];
  });
}

function innerRows(schema: Schema, prefix: string): Row[] {
  const shapes = [schema, ...alternativesOf(schema)].filter((each) => each.properties !== undefined);
  const named = shapes.filter(({ properties }) => (properties as { name?: Schema }).name?.const !== undefined);
  if (named.length < 2) return shapes.flatMap((shape) => rowsOf(shape, prefix));
  return named.flatMap((shape) => {
    const choice = code((shape.properties as { name: Schema }).name.const);
    return rowsOf(shape, prefix)
      .filter(({ name }) => name !== `${prefix}name`)
      .map((row) => ({ ...row, name: `${row.name}`, meaning: `of ${choice}: ${row.meaning}` }));
  });
}

function resultRows(schema: Schema, prefix: string): Row[] {
  return propertiesOf(schema).flatMap(([name, member]) => {
    const kind = (member.properties as { kind?: Schema; digest?: Schema } | undefined)?.kind?.const;
    const description = typeof member.description === 'string' ? `: ${member.description}` : '';
    const optional = isRequired(schema, name) ? '' : ', where there is one';
    const row = (type: string) => [{ name: prefix + name, initial: '', meaning: type + optional + description }];
    if (kind !== undefined) return row(`the ${kind}, an artifact`);
    return member.properties ? resultRows(member, `${prefix}${name}.`) : row(typeOf(member));
  });
}

/** A row for each input, also for those that only some parameters ask for. */
function inputRows(kind: StepKind): Row[] {
  const { inputs, otherInputs } = kind;
  const rowOf = (of: StepKind, input: string, where = ''): Row => ({
    name: input,
    initial: mustBeNamed(of, input) ? 'needed' : of.optional?.includes(input) ? 'none' : 'nearest',
    meaning: `${where}the ${of.inputs[input]} of a step: \`\${steps.<id>.result.${of.inputs[input]}}\``,
  });
  const isAlways = (input: string) => !otherInputs || input in otherInputs.inputs;
  const own = Object.keys(inputs).map((input) =>
    rowOf(kind, input, isAlways(input) ? '' : `unless ${otherInputs?.where}: `),
  );
  const others = Object.keys(otherInputs?.inputs ?? {})
    .filter((input) => !(input in inputs))
    .map((input) => rowOf({ ...kind, ...otherInputs }, input, `where ${otherInputs?.where}: `));
  return [...own, ...others];
}

/** Of a kind whose results its parameters decide. */
const ownRows: readonly Row[] = [
  { name: '<output>', initial: '', meaning: 'the files, an artifact: one for each of `outputs`' },
  { name: '<field>', initial: '', meaning: 'what the program wrote to CONTRAIL_RESULT' },
];

function section(name: string, kind: StepKind): string {
  const parameters = rowsOf(asSchema(kind.parameters, 'input'), '');
  const recipe = kind.recipes ? [{ name: 'recipe', initial: 'none', meaning: recipesText(kind.recipes) }] : [];
  const inputs = inputRows(kind);
  const known = resultRows(asSchema(kind.result, 'output'), '');
  const results = known.length === 0 ? ownRows : known;
  return [
    `## ${name}`,
    '',
    `${kind.description}. Version ${kind.version}; queue \`${kind.queue}\`.`,
    '',
    '| `with` | default | meaning |',
    '| --- | --- | --- |',
    ...[...recipe, ...inputs, ...parameters].map(
      (row) => `| \`${row.name}\` | ${cell(row.initial)} | ${cell(row.meaning)} |`,
    ),
    '',
    '| result | meaning |',
    '| --- | --- |',
    ...results.map((row) => `| \`${row.name}\` | ${cell(row.meaning)} |`),
    '',
  ].join('\n');
}

/** The reference page of all kinds of steps, in Markdown. */
export const stepsPage = (): string =>
  [
    '# Kinds of steps',
    '',
    '`npm run schema` writes this page from `contracts/kinds/`. What a step is, and how steps are put together, is in',
    '[pipelines.md](pipelines.md); more about training in [training.md](training.md).',
    '',
    ...writtenKindNames.map((name) => section(name, stepKinds[name])),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
