import { pipelineJsonSchema } from '../../pipelines/language/describe/json-schema.ts';
import { printJson } from '../output.ts';
import { openPipelineFile } from '../pipeline-file.ts';

/** `contrail schema`: for editors; of a pipeline, with the parameters of its steps of the user's own. */
export async function schemaCommand(file: string | undefined, { code }: { readonly code: boolean }): Promise<number> {
  const kinds = file === undefined ? [] : (await openPipelineFile(file, { runCode: code })).ownKinds();
  printJson(pipelineJsonSchema(kinds));
  return 0;
}
