import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { trigger } from '../../cli/commands/schedule/trigger.ts';
import { overlapPolicy } from '../../cli/schedules.ts';
import { startServer } from '../workflows/interpreter.ts';

/** On the real server, without a worker: what a schedule starts goes on for ever. */
let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startServer([]);
}, 180_000);
afterAll(() => environment.teardown(), 60_000);

/** A schedule that has started a run. */
async function scheduled(id: string, overlap: 'skip' | 'buffer-one') {
  const handle = await environment.client.schedule.create({
    scheduleId: id,
    spec: {},
    action: { type: 'startWorkflow', workflowType: 'scheduledRun', workflowId: id, taskQueue: 'nobodys', args: [] },
    policies: { overlap: overlapPolicy(overlap) },
  });
  const again = async () => trigger({ handle, description: await handle.describe() } as never);
  expect((await again()).run).toContain(id);
  return { handle, again };
}

it('a trigger is skipped for the run that is going on', async () => {
  const { again } = await scheduled('skipping', 'skip');
  expect(await again()).toEqual({ run: null, skipped: 'overlap' });
});

it('a trigger is skipped because another waits already, where one may wait', async () => {
  const { handle, again } = await scheduled('buffering', 'buffer-one');
  // Temporal names what it starts by the second.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await handle.trigger(overlapPolicy('buffer-one'));
  const isWaiting = async () => Number((await handle.describe()).raw.info?.bufferSize ?? 0) === 1;
  while (!(await isWaiting())) await new Promise((resolve) => setTimeout(resolve, 100));
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(await again()).toEqual({ run: null, skipped: 'buffer' });
});
