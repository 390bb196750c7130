import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { logActivities } from '../../worker/log-activities.ts';
import type { StepTroubleReport } from '../../workflows/messages.ts';

const retryPolicy = { initialInterval: 1000, backoffCoefficient: 2, maximumInterval: 30_000 };

/** Attempts at an activity, one after the other; what the run's log then has, and what the run was told. */
async function attempts(
  input: object,
  outcomes: readonly (Error | null)[],
  policy: object = retryPolicy,
): Promise<{ lines: string[]; told: StepTroubleReport[] }> {
  const lines: string[] = [];
  const told: StepTroubleReport[] = [];
  const intercept = logActivities(
    { say: (_, { level, message }) => lines.push(`${level} ${message}`), close: async () => {} },
    async (_, report) => void told.push(report),
  );
  for (const [index, outcome] of outcomes.entries()) {
    const environment = new MockActivityEnvironment(
      { attempt: index + 1, activityId: 'data', activityType: 'prepareData', retryPolicy: policy },
      { logger: new DefaultLogger('ERROR', () => {}) },
    );
    const { inbound } = intercept({} as never);
    const work = () => {
      if (outcome) throw outcome;
      return Promise.resolve({});
    };
    await environment
      .run(() => inbound?.execute?.({ args: [input], headers: {} } as never, work as never) as Promise<unknown>)
      .catch(() => undefined);
  }
  return { lines, told };
}
const full = ApplicationFailure.create({ type: 'DiskFull', message: 'No space is left.' });
const work = { run: 'shirts', step: 'data', fingerprint: 'f' };

describe('the log of a run', () => {
  it('has every attempt at a step, with its number and why it failed', async () => {
    const { lines } = await attempts(work, [full, full, null]);
    expect(lines).toEqual([
      'info prepareData: started',
      'error prepareData: attempt 1 failed (DiskFull), tried again: No space is left.',
      'info prepareData: started, attempt 2',
      'error prepareData: attempt 2 failed (DiskFull), tried again: No space is left.',
      'info prepareData: started, attempt 3',
      expect.stringMatching(/^info prepareData: done in/),
    ]);
  });

  it('has what a look-up fails with, and says nothing of one that goes well', async () => {
    const { lines } = await attempts({ run: 'shirts', step: 'data' }, [full, null]);
    expect(lines).toEqual(['error prepareData: attempt 1 failed (DiskFull), tried again: No space is left.']);
  });

  it('says of the last attempt, and of what is not retried, that it is not tried again', async () => {
    const limited = await attempts(work, [full, full], { ...retryPolicy, maximumAttempts: 2 });
    expect(limited.lines.filter((line) => line.includes('not tried again'))).toHaveLength(1);
    const named = await attempts(work, [full], { ...retryPolicy, nonRetryableErrorTypes: ['DiskFull'] });
    expect(named.lines.at(-1)).toContain('not tried again');
    const permanent = await attempts(work, [ApplicationFailure.nonRetryable('bad', 'InvalidInput')]);
    expect(permanent.lines.at(-1)).toContain('failed (InvalidInput), not tried again: bad');
  });
});

describe('a run', () => {
  it('is told of work that fails more than once, ever more seldom, and when the next attempt begins', async () => {
    const before = Date.now();
    const { told } = await attempts(
      work,
      Array.from({ length: 250 }, () => full),
    );
    expect(told.map(({ failed }) => failed?.attempt)).toEqual([2, 3, 4, 5, 10, 20, 50, 100, 200]);
    expect(told[0]).toMatchObject({ step: 'data', failed: { type: 'DiskFull', message: 'No space is left.' } });
    const waits = Date.parse(told.at(-1)?.failed?.nextTry ?? '') - before;
    expect(waits).toBeGreaterThanOrEqual(30_000);
  });

  it('is told when the work goes on after that, and of nothing where it went well at first', async () => {
    expect((await attempts(work, [full, full, null])).told.at(-1)).toEqual({ step: 'data', failed: null });
    expect((await attempts(work, [full, null])).told).toEqual([]);
  });

  it('is not told of an attempt after which there is none', async () => {
    expect((await attempts(work, [full, full], { ...retryPolicy, maximumAttempts: 2 })).told).toEqual([]);
  });
});
