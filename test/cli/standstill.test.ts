import { describe, expect, it } from 'vitest';
import type { ServerClient } from '../../cli/connection.ts';
import { standstillOf } from '../../cli/standstill.ts';

/** A server that has these events of a run, the newest first. */
const serverWith = (events: readonly object[]) =>
  ({
    namespace: 'default',
    codec: { encode: async (payloads: unknown) => payloads, decode: async (payloads: unknown) => payloads },
    client: { workflowService: { getWorkflowExecutionHistoryReverse: async () => ({ history: { events } }) } },
  }) as unknown as ServerClient;
const described = (attempt: number) =>
  ({ raw: { pendingWorkflowTask: { attempt }, workflowExecutionInfo: {} } }) as unknown as Parameters<
    typeof standstillOf
  >[2];

const scheduled = { workflowTaskScheduledEventAttributes: {} };
const late = { workflowTaskTimedOutEventAttributes: {} };
const failed = { workflowTaskFailedEventAttributes: { failure: { message: 'Nondeterminism: no such step' } } };

describe('a run whose decisions are tried again and again', () => {
  it('says what its code fails with, as another version of the workers does', async () => {
    expect(await standstillOf(serverWith([scheduled, failed, late]), 'run', described(4))).toMatch(
      /fail to decide what comes next, attempt 4 \(Nondeterminism: no such step\)/,
    );
  });

  it('says that a worker does not answer, where that is so, and blames no code', async () => {
    const said = await standstillOf(serverWith([scheduled, late, failed]), 'run', described(4));
    expect(said).toMatch(/gave no answer in time, attempt 4/);
    expect(said).not.toContain('version');
  });

  it('goes on where that happened once or twice', async () =>
    expect(await standstillOf(serverWith([failed]), 'run', described(2))).toBeNull());
});
