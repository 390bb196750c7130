import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { countActivities } from '../../../worker/metrics/count-activities.ts';
import { countSteps } from '../../../worker/metrics/step-metrics.ts';
import { metricsOf } from './metrics-of.ts';

const policy = { initialInterval: 1000, backoffCoefficient: 2, maximumInterval: 30_000, nonRetryableErrorTypes: [] };

/** A worker that makes attempts at activities. */
function worker(pipelineOf?: (run: string) => Promise<string>) {
  const metrics = metricsOf(pipelineOf);
  const intercept = countActivities(countSteps(metrics.instruments, metrics.counted, metrics.pipelineOf));
  const attempt = async (
    input: object,
    work: () => Promise<unknown>,
    { number = 1, waitedMs = 0 }: { readonly number?: number; readonly waitedMs?: number } = {},
  ) => {
    const environment = new MockActivityEnvironment(
      {
        ...{ attempt: number, activityType: 'trainEpoch', taskQueue: 'gpu', retryPolicy: policy },
        currentAttemptScheduledTimestampMs: Date.now() - waitedMs,
      },
      { logger: new DefaultLogger('ERROR', () => {}) },
    );
    const { inbound } = intercept({} as never);
    await environment
      .run(() => inbound?.execute?.({ args: [input], headers: {} } as never, work as never) as Promise<unknown>)
      .catch(() => undefined);
  };
  return { ...metrics, attempt };
}
const epoch = { run: 'one', step: 'pretrain@seed=1', epoch: 3 };
const labels = 'pipeline="pipeline-of-one",step="pretrain"';
const fail = (error: Error) => () => Promise.reject(error);
const fine = () => Promise.resolve({});

describe('the attempts at a step', () => {
  it('are counted by how they end, for all steps of a matrix together', async () => {
    const { attempt, lines } = worker();
    await attempt(epoch, fine);
    await attempt({ ...epoch, step: 'pretrain@seed=2' }, fine);
    await attempt(epoch, fail(ApplicationFailure.create({ type: 'DiskFull', message: '' })));
    await attempt(epoch, fail(ApplicationFailure.nonRetryable('', 'InvalidInput')), { number: 2 });
    await attempt(epoch, fail(new CancelledFailure('the worker stops')));
    expect(await lines('contrail_step_attempts_total', 'contrail_step_retries_total')).toEqual([
      `contrail_step_attempts_total{${labels},outcome="done"} 2`,
      `contrail_step_attempts_total{${labels},outcome="failed"} 1`,
      `contrail_step_attempts_total{${labels},outcome="retried"} 1`,
      `contrail_step_attempts_total{${labels},outcome="stopped"} 1`,
      `contrail_step_retries_total{${labels}} 1`,
    ]);
  });

  it('are there with 0 from the first on, so that Prometheus sees the first failure rise', async () => {
    const { attempt, lines } = worker();
    let during: readonly string[] = [];
    await attempt(epoch, async () => {
      during = await lines('contrail_step_attempts_total', 'contrail_step_retries_total', 'contrail_steps_in_work');
    });
    expect(during).toEqual([
      `contrail_steps_in_work{${labels},queue="gpu"} 1`,
      ...['done', 'failed', 'retried', 'stopped'].map(
        (outcome) => `contrail_step_attempts_total{${labels},outcome="${outcome}"} 0`,
      ),
      `contrail_step_retries_total{${labels}} 0`,
    ]);
    expect(await lines('contrail_steps_in_work')).toEqual([`contrail_steps_in_work{${labels},queue="gpu"} 0`]);
  });

  it('are counted by the code that they fail with; what a program of the user made up is other', async () => {
    const { attempt, lines } = worker();
    await attempt(epoch, fail(ApplicationFailure.nonRetryable('', 'NonFiniteLoss')));
    await attempt(epoch, fail(new RangeError('out of range')));
    await attempt(epoch, fail(ApplicationFailure.create({ type: 'Of a user', message: '' })));
    expect(await lines('contrail_step_failures_total')).toEqual([
      `contrail_step_failures_total{${labels},code="NonFiniteLoss"} 1`,
      `contrail_step_failures_total{${labels},code="other"} 2`,
    ]);
  });

  it('have a time that they waited, which is not negative where clocks differ', async () => {
    const { attempt, lines } = worker();
    await attempt(epoch, fine, { waitedMs: 60_000 });
    await attempt(epoch, fine, { waitedMs: -60_000 });
    const [sum = '', count] = await lines('contrail_queue_wait_seconds');
    expect(Math.round(Number(sum.split(' ')[1]))).toBe(60);
    expect(count).toBe('contrail_queue_wait_seconds_count{queue="gpu"} 2');
  });

  it('are no look-ups; those count what they find', async () => {
    const { attempt, lines } = worker();
    const lookUp = { run: 'one', step: 'pretrain', uses: 'pretrain' };
    await attempt(lookUp, async () => ({ found: null }));
    expect(await lines('contrail_step')).toEqual([]);
    await attempt(lookUp, async () => ({ found: { from: { run: 'zero', step: 'pretrain' } } }));
    expect(await lines('contrail_step')).toEqual([`contrail_steps_reused_total{${labels}} 1`]);
  });

  it('are not held up by a store that does not say which pipeline it is', async () => {
    const answers: ((pipeline: string) => void)[] = [];
    const { attempt, lines } = worker(() => new Promise((resolve) => answers.push(resolve)));
    await attempt({ run: 'one', step: 'embed', shard: 4 }, fine);
    expect(await lines('contrail_step')).toEqual([]);
    for (const [index, answer] of answers.entries()) answer(`answer-${index}`);
    expect(await lines('contrail_steps_in_work')).toEqual([
      'contrail_steps_in_work{pipeline="answer-0",step="embed",queue="gpu"} 0',
    ]);
  });
});
