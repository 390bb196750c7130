import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';
import { compiledFolder } from '../native/load.mjs';
import { failureConverterPath } from '../payloads/index.ts';

interface Kind {
  /** Whether messages and stacks of the workflows' failures become payloads, which are encrypted. */
  readonly encodesFailures: boolean;
  /** Whether workflows pass on which trace they belong to, and tell of their end. */
  readonly traced: boolean;
}

const nameOf = ({ encodesFailures, traced }: Kind) =>
  `workflows${encodesFailures ? '-encoded' : ''}${traced ? '-traced' : ''}.js`;

/**
 * The code of the workflows as Temporal runs it, apart from everything else. Making it takes seconds of a processor: it is kept
 * with what else was compiled from the same sources, so that a worker which was killed is back sooner.
 *
 * @param warn is told what Temporal's bundler warns of
 */
export async function bundledWorkflows(warn: (message: string) => void, kind: Kind): Promise<WorkflowBundleOption> {
  const folder = await compiledFolder();
  const codePath = folder === null ? null : join(folder, nameOf(kind));
  if (codePath !== null && existsSync(codePath)) return { codePath };
  const code = await bundle(warn, kind);
  if (codePath === null) return { code };
  const written = `${codePath}.${randomUUID()}`;
  await writeFile(written, code);
  await rename(written, codePath);
  return { codePath };
}

/** The same of every kind, for a package: name of its file, and code. */
export async function compiledWorkflows(): Promise<ReadonlyMap<string, string>> {
  const codes = new Map<string, string>();
  for (const encodesFailures of [false, true])
    for (const traced of [false, true]) {
      const kind = { encodesFailures, traced };
      codes.set(nameOf(kind), await bundle((message) => void process.stderr.write(`${message}\n`), kind));
    }
  return codes;
}

async function bundle(warn: (message: string) => void, { encodesFailures, traced }: Kind): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
    ...(encodesFailures ? { failureConverterPath } : {}),
    ...(traced
      ? { workflowInterceptorModules: [fileURLToPath(new URL('../workflows/traces.ts', import.meta.url))] }
      : {}),
    logger: new DefaultLogger('WARN', ({ message }) => warn(message)),
  });
  return code;
}
