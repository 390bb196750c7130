import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { inject } from 'vitest';

/** The workflows as a worker loads them, as a file: bundled by the test file that asks first, for all of them. */
export async function workflowBundleFile(): Promise<string> {
  const file = join(inject('sharedFolder'), 'workflows.js');
  const claim = `${file}.claim`;
  while (!existsSync(file)) {
    if (!(await isTaken(() => mkdir(claim)))) {
      await sleep(100);
      continue;
    }
    try {
      const { code } = await bundleWorkflowCode({
        workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
        logger: new DefaultLogger('ERROR'),
      });
      await writeFile(`${file}.new`, code);
      await rename(`${file}.new`, file);
    } finally {
      await rm(claim, { recursive: true });
    }
  }
  return file;
}

export const workflowCode = async (): Promise<string> => readFile(await workflowBundleFile(), 'utf8');

const isTaken = (take: () => Promise<unknown>) =>
  take().then(
    () => true,
    () => false,
  );
