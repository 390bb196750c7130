import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';
import { compiledFolder } from '../native/load.mjs';
import { failureConverterPath } from '../payloads/index.ts';

export interface WorkflowKind {
  /** Whether messages and stacks of the workflows' failures become payloads, which are encrypted. */
  readonly encodesFailures: boolean;
  /** Whether workflows pass on which trace they belong to, and tell of their end. */
  readonly traced: boolean;
}

export const workflowKinds: readonly WorkflowKind[] = [false, true].flatMap((encodesFailures) =>
  [false, true].map((traced) => ({ encodesFailures, traced })),
);

/** The file that holds the code of a kind, beside what else was compiled. */
export const workflowFile = ({ encodesFailures, traced }: WorkflowKind): string =>
  `workflows${encodesFailures ? '-encoded' : ''}${traced ? '-traced' : ''}.js`;

/**
 * The code of the workflows as Temporal runs it, apart from everything else. Making it takes seconds of a processor: it is kept
 * with what else was compiled from the same sources, so that a worker which was killed is back sooner.
 *
 * @param warn is told what Temporal's bundler warns of
 */
export async function bundledWorkflows(
  warn: (message: string) => void,
  kind: WorkflowKind,
): Promise<WorkflowBundleOption> {
  const { encodesFailures, traced } = kind;
  const folder = await compiledFolder();
  const codePath = folder === null ? null : join(folder, workflowFile(kind));
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
