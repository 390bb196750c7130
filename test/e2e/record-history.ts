import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { hasCode } from '../../contracts/system-errors.ts';
import { temporalBinary } from '../../native/index.ts';
import type { TestEnvironment } from './environment.ts';

/**
 * `npm run histories` stores what this version of the workflows writes, for test/workflows/replay.test.ts. What earlier
 * versions wrote stays: only names that are not there yet are written.
 */
export async function recordHistory(environment: TestEnvironment, workflow: string, name: string): Promise<void> {
  if (process.env.CONTRAIL_RECORD_HISTORIES === undefined) return;
  const args = [
    'workflow',
    'show',
    '--workflow-id',
    workflow,
    '--output',
    'json',
    '--address',
    environment.client().address,
  ];
  const { stdout } = await promisify(execFile)(temporalBinary(), args, { maxBuffer: 64 * 1024 * 1024 });
  await writeFile(
    new URL(`../histories/${name}.json`, import.meta.url),
    `${JSON.stringify({ workflowId: workflow, history: JSON.parse(stdout) })}\n`,
    { flag: 'wx' },
  ).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
}
