import { writeFileSync } from 'node:fs';
import { pipelineJsonSchema } from './language/describe/json-schema.ts';
import { stepsPage } from './language/describe/reference-page.ts';

writeFileSync(new URL('./schema.json', import.meta.url), `${JSON.stringify(pipelineJsonSchema(), null, 2)}\n`);
writeFileSync(new URL('../docs/steps.md', import.meta.url), stepsPage());
