import { readFile } from 'node:fs/promises';
import { bundledWorkflows } from '../../worker/workflow-bundle.ts';

/** The code of the workflows as a worker loads it. */
export async function workflowCode(encodesFailures = false, traced = false): Promise<string> {
  const bundle = await bundledWorkflows(() => {}, { encodesFailures, traced });
  return 'code' in bundle ? bundle.code : readFile(bundle.codePath, 'utf8');
}
