import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { root } from '../../../native/paths.ts';
import { withFolder } from '../../folder.ts';
import type { Tell } from '../figures.ts';

const reportSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  testResults: z.array(
    z.object({
      message: z.string(),
      name: z.string(),
      assertionResults: z.array(
        z.object({ status: z.string(), fullName: z.string(), failureMessages: z.array(z.string()).nullable() }),
      ),
    }),
  ),
});

/** Tests of the project that compare with recorded values or with the step operation by operation. */
export async function tests({ files }: { readonly files: readonly string[] }, tell: Tell): Promise<void> {
  await withFolder(async (folder) => {
    const output = join(folder, 'report.json');
    const vitest = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url));
    const args = ['run', ...files, '--reporter=json', `--outputFile=${output}`];
    // It ends with 1 where a test fails, which is in its report.
    const ran = await promisify(execFile)(process.execPath, [vitest, ...args], { cwd: root }).catch((error) => error);
    const text = await readFile(output, 'utf8').catch(() => {
      throw new Error(`vitest left no report: ${String(ran.stderr).slice(-1000)}`);
    });
    const report = reportSchema.parse(JSON.parse(text));
    tell('passed tests', report.numPassedTests);
    tell('failed tests', report.numFailedTests);
    for (const { name, message, assertionResults } of report.testResults) {
      if (message) tell(`could not run: ${name.slice(root.length)}`, message.slice(0, 500));
      for (const { status, fullName, failureMessages } of assertionResults)
        if (status === 'failed') tell(`failed: ${fullName}`, (failureMessages?.[0] ?? '').slice(0, 500));
    }
  });
}
