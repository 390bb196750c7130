import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createWebhookCheck } from '../../activities/webhook.ts';
import type { PlannedStep } from '../../contracts/plan.ts';
import { savePlan, saveStepResult } from '../../store/index.ts';
import { memoryStore } from '../memory-store.ts';

const step = (id: string, rest: Partial<PlannedStep> = {}): PlannedStep => ({
  id,
  uses: 'notify',
  version: 1,
  needs: [],
  with: { urlFrom: 'TEAM_WEBHOOK', message: 'done' },
  inputs: {},
  queue: 'cpu',
  retry: {},
  timeoutMs: 60_000,
  ...rest,
});
const data = step('data', { uses: 'prepare-data', with: {} });
const missing = /^Step tell needs a webhook. This worker has no environment variable TEAM_WEBHOOK/;

/** What the look-up of `data` finds in a run with this notify step, on a worker of the queue cpu. */
async function lookUp(
  tell: PlannedStep,
  of = 'data',
  done = false,
  between: PlannedStep[] = [],
): Promise<string | null> {
  const store = memoryStore();
  await savePlan(store, 'r', { name: 'p', params: {}, steps: [data, ...between, tell] });
  if (done) await saveStepResult(store, { run: 'r', step: 'tell' }, { fingerprint: 'f', result: { status: 200 } });
  const check = createWebhookCheck({ store, queues: ['cpu'] } as never);
  return new MockActivityEnvironment().run(() =>
    check({ run: 'r', step: of }).then(
      () => null,
      (error: Error) => error.message,
    ),
  );
}
afterEach(() => vi.unstubAllEnvs());

describe('a webhook variable that is missing', () => {
  it('is found when the first step of a run is looked up, before a training', async () => {
    expect(await lookUp(step('tell'))).toMatch(missing);
    expect(await lookUp(step('tell', { role: 'onFailure' }))).toMatch(missing);
  });

  it('is found where it holds no URL, whose content is not told', async () => {
    vi.stubEnv('TEAM_WEBHOOK', 'my-secret');
    const message = await lookUp(step('tell'));
    expect(message).toContain('TEAM_WEBHOOK on this worker is not an http or https URL.');
    expect(message).not.toContain('my-secret');
  });

  it('is no matter where it is there, another queue needs it, a condition may skip it, or all is told already', async () => {
    expect(await lookUp(step('tell', { queue: 'far' }))).toBeNull();
    expect(await lookUp(step('tell', { when: 'false' }))).toBeNull();
    expect(await lookUp(step('tell'), 'data', true)).toBeNull();
    const train = step('train', { uses: 'pretrain', when: 'false' });
    const promote = step('promote', { uses: 'promote', needs: ['train'] });
    expect(await lookUp(step('tell', { needs: ['promote'] }), 'data', false, [train, promote])).toBeNull();
    expect(await lookUp(step('tell', { needs: ['data'] }), 'data', false, [train, promote])).toMatch(missing);
    vi.stubEnv('TEAM_WEBHOOK', 'https://example.org/hook');
    expect(await lookUp(step('tell'))).toBeNull();
  });

  it('does not keep the steps of onFailure and finally from running', async () => {
    expect(await lookUp(step('tell', { role: 'finally' }), 'tell')).toBeNull();
  });
});
