import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { pipelineJsonSchema } from '../../pipelines/language/json-schema.ts';

it('the JSON Schema for editors is that of the code; `npm run schema` writes it', () => {
  const shipped = JSON.parse(readFileSync(new URL('../../pipelines/schema.json', import.meta.url), 'utf8'));
  expect(shipped).toEqual(JSON.parse(JSON.stringify(pipelineJsonSchema())));
});
