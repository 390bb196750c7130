import type { Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { openRegistry } from '../../../metrics/registry.ts';
import { workerMetrics } from '../../../worker/metrics/definitions.ts';
import { lookAtServer } from '../../../worker/metrics/look-at-server.ts';
import { createStepStates } from '../../../worker/metrics/step-states.ts';

/** A server with one open run, which says in what state its step is. */
const serverOf = (state: () => string) =>
  ({
    connection: { withAbortSignal: (_: AbortSignal, ask: () => Promise<unknown>) => ask() },
    workflow: {
      list: async function* () {
        yield { workflowId: 'run', typedSearchAttributes: { get: () => undefined } };
      },
      getHandle: () => ({ query: async () => ({ steps: [{ id: 'train', state: state() }] }) }),
    },
    workflowService: { describeTaskQueue: async () => ({ pollers: [] }) },
  }) as unknown as Client;

it('while runs are asked, what is known of them stays', async () => {
  const { instruments, text } = openRegistry(workerMetrics);
  const meanwhile: Promise<string>[] = [];
  let state = 'waiting';
  const look = () =>
    lookAtServer(
      {
        client: serverOf(() => {
          meanwhile.push(text());
          return state;
        }),
        namespace: 'default',
        queues: ['gpu'],
        facts: { pipelineOf: async () => 'p', queuesOf: async () => [] },
        steps,
        onSilent: () => expect.unreachable(),
        instruments,
      },
      new AbortController().signal,
    );
  const steps = createStepStates();
  await look();
  state = 'running';
  await look();
  const said = (each: string) => `contrail_run_steps{pipeline="unknown",step="train",state="${each}"} 1`;
  expect(await meanwhile[1]).toContain(said('waiting'));
  expect(await text()).toContain(said('running'));
  expect(await text()).not.toContain(said('waiting'));
});
