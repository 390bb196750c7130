import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import type { OwnKind } from '../../contracts/own-kind.ts';
import { pipelineJsonSchema } from '../../pipelines/language/describe/json-schema.ts';

it('the JSON Schema for editors is that of the code; `npm run schema` writes it', () => {
  const shipped = JSON.parse(readFileSync(new URL('../../pipelines/schema.json', import.meta.url), 'utf8'));
  expect(shipped).toEqual(JSON.parse(JSON.stringify(pipelineJsonSchema())));
});

const parameters = z.looseObject({
  properties: z.record(z.string(), z.looseObject({ description: z.string().optional() })),
});
const rule = z.object({
  if: z.object({ properties: z.object({ uses: z.object({ const: z.string() }) }) }),
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own word
  then: z.object({ properties: z.object({ with: parameters }) }),
});
const written = z.object({
  $defs: z.object({
    step: z.object({
      properties: z.object({
        uses: z.object({ anyOf: z.tuple([z.object({ enum: z.array(z.string()) }), z.unknown()]) }),
      }),
      allOf: z.array(rule),
    }),
  }),
});
type Tree = { readonly name: string; readonly inside: Tree[] };
const tree: z.ZodType<Tree> = z.object({ name: z.string(), inside: z.array(z.lazy(() => tree)) });
const own: OwnKind = {
  file: './steps/dedupe.ts',
  version: 1,
  parameters: JSON.parse(
    JSON.stringify(
      z.toJSONSchema(
        z.strictObject({
          keep: z.enum(['first', 'last']).describe('by name'),
          most: z.object({ images: z.int().max(9) }).optional(),
          tree: tree.optional(),
        }),
        { io: 'input' },
      ),
    ),
  ),
  result: { type: 'object', properties: {} },
  inputs: { images: 'files', others: 'files' },
  outputs: {},
  passEnv: [],
};

it("that of a pipeline checks what its steps of the user's own are given", () => {
  const { step } = written.parse(pipelineJsonSchema([own])).$defs;
  expect(step.properties.uses.anyOf[0].enum).toContain('./steps/dedupe.ts');
  expect(step.allOf.map((each) => each.if.properties.uses.const)).toContain('evaluate');
  const schema = step.allOf.find((each) => each.if.properties.uses.const === './steps/dedupe.ts')?.then.properties.with;
  expect(schema?.properties.keep?.description).toBe('by name');
  const check = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  const others = '${steps.a.result.b}';
  for (const right of [
    { keep: 'first', others },
    { keep: '${params.keep}', others, images: '${steps.c.result.d}' },
    { keep: 'last', others, most: { images: '${params.most}' }, tree: { name: 'x', inside: [] } },
  ])
    expect(check.safeParse(right).success, JSON.stringify(right)).toBe(true);
  for (const wrong of [
    { keep: 'middle', others },
    { keep: 'first', others, kep: 1 },
    { others },
    // Of two inputs of one kind, the second must be named.
    { keep: 'first' },
    { keep: 'first', others: 3 },
    { keep: 'first', others, most: { images: 10 } },
  ])
    expect(check.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
  expect(JSON.stringify(schema)).not.toContain('$ref');
});

it('lets what is inside an alternative be a reference', () => {
  const { step } = written.parse(pipelineJsonSchema()).$defs;
  const schema = step.allOf.find((each) => each.if.properties.uses.const === 'pretrain')?.then.properties.with;
  const check = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  const temperature = '${matrix.temperature}';
  for (const loss of ['arcFace', '${matrix.loss}', { supcon: { temperature } }, { nPairs: { temperature: 0.1 } }])
    expect(check.safeParse({ loss }).success).toBe(true);
  for (const loss of ['hinge', { supcon: { temperature: 'warm' } }, { hinge: {} }, {}])
    expect(check.safeParse({ loss }).success).toBe(false);
});

it('knows the inputs that only some parameters ask for', () => {
  const { step } = written.parse(pipelineJsonSchema()).$defs;
  const checkOf = (kind: string) => {
    const schema = step.allOf.find((each) => each.if.properties.uses.const === kind)?.then.properties.with;
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  };
  const [dataset, retrieval] = ['${steps.a.result.dataset}', '${steps.a.result.retrieval}'];
  expect(checkOf('embed-images').safeParse({ splits: ['train'], dataset }).success).toBe(true);
  expect(checkOf('promote').safeParse({ model: 'shirts', metric: 'recallAt1', retrieval }).success).toBe(true);
  expect(checkOf('promote').safeParse({ model: 'shirts', retreival: retrieval }).success).toBe(false);
});
