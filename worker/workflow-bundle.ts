import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';
import { compiledFolder } from '../native/load.mjs';
import { failureConverterPath } from '../payloads/index.ts';

/**
 * The code of the workflows as Temporal runs it, apart from everything else. Making it takes seconds of a processor: it is kept
 * with what else was compiled from the same sources, so that a worker which was killed is back sooner.
 *
 * @param warn is told what Temporal's bundler warns of
 * @param options.encodesFailures whether messages and stacks of the workflows' failures become payloads, which are encrypted
 * @param options.traced whether workflows pass on which trace they belong to, and tell of their end
 */
export async function bundledWorkflows(
  warn: (message: string) => void,
  { encodesFailures, traced }: { readonly encodesFailures: boolean; readonly traced: boolean },
): Promise<WorkflowBundleOption> {
  const folder = await compiledFolder();
  const codePath =
    folder === null ? null : join(folder, `workflows${encodesFailures ? '-encoded' : ''}${traced ? '-traced' : ''}.js`);
  if (codePath !== null && existsSync(codePath)) return { codePath };
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
    ...(encodesFailures ? { failureConverterPath } : {}),
    ...(traced
      ? { workflowInterceptorModules: [fileURLToPath(new URL('../workflows/traces.ts', import.meta.url))] }
      : {}),
    logger: new DefaultLogger('WARN', ({ message }) => warn(message)),
  });
  if (codePath === null) return { code };
  const written = `${codePath}.${randomUUID()}`;
  await writeFile(written, code);
  await rename(written, codePath);
  return { codePath };
}
