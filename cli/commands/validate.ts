import type { Json } from '../../contracts/json.ts';
import { graphOf } from '../../pipelines/language/describe/graph/index.ts';
import { print, printJson } from '../output.ts';
import { readPipelineFile } from '../pipeline-file.ts';

/** `contrail validate` */
export async function validateCommand(
  file: string,
  { set, json, code }: { readonly set: Readonly<Record<string, Json>>; readonly json: boolean; readonly code: boolean },
): Promise<number> {
  const plan = await readPipelineFile(file, set, { runCode: code });
  if (json) printJson(plan);
  else {
    const steps = graphOf(plan).nodes.map(
      ({ id, uses, count }) => `${id}${count === null ? '' : ` ×${count}`} (${uses})`,
    );
    print(`${file} is valid: ${steps.join(', ')}`);
  }
  return 0;
}
