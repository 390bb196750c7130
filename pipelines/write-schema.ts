import { writeFileSync } from 'node:fs';
import { pipelineJsonSchema } from './language/json-schema.ts';

writeFileSync(new URL('./schema.json', import.meta.url), `${JSON.stringify(pipelineJsonSchema(), null, 2)}\n`);
