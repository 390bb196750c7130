import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApproveRequest } from '../../contracts/approval.ts';
import type { Plan } from '../../contracts/plan.ts';
import { loadDecisions } from '../../store/index.ts';
import { approveUpdate, retryUpdate, statusQuery } from '../../workflows/messages.ts';
import type { pipeline } from '../../workflows/pipeline.ts';
import { approveStep, type Interpreter, planOf, startInterpreter, step } from './interpreter.ts';

/** A step that waits for a person, on the real server. */
let interpreter: Interpreter;
beforeAll(async () => {
  interpreter = await startInterpreter();
});
afterAll(() => interpreter.stop());

const plan = (params: object = {}) =>
  planOf([
    step('before', [], { value: 1 }),
    approveStep('ask', { message: 'Put it into the shop?', by: 'the head of the catalogue', ...params }, ['before']),
    step('after', ['ask'], { value: 2 }),
  ]);
const start = (run: string, given: Plan) =>
  interpreter.environment.client.workflow.start<typeof pipeline>('pipeline', {
    workflowId: run,
    taskQueue: 'contrail',
    args: [{ plan: given, resume: false, useCache: false }],
    workflowExecutionTimeout: '2m',
  });
type Handle = Awaited<ReturnType<typeof start>>;

const stepOf = async (handle: Handle, id: string) =>
  (await handle.query(statusQuery)).steps.find((each) => each.id === id);
async function untilAsked(handle: Handle) {
  for (;;) {
    const is = await stepOf(handle, 'ask');
    if (is?.asks) return is;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const answer = (handle: Handle, request: ApproveRequest) => handle.executeUpdate(approveUpdate, { args: [request] });
const refusal = (handle: Handle, request: object) =>
  answer(handle, request as ApproveRequest).then(
    () => null,
    (error: unknown) => (error instanceof WorkflowUpdateFailedError ? error.cause?.message : String(error)),
  );

describe('a step that waits for a person', () => {
  it('asks, goes on when approved, and keeps who decided', async () => {
    const handle = await start('approved', plan());
    expect((await untilAsked(handle)).asks).toEqual({
      message: 'Put it into the shop?',
      by: 'the head of the catalogue',
      until: null,
    });
    await answer(handle, { step: 'ask', as: 'Ada', reason: 'looks right', user: 'ada', host: 'desk' });
    const results = await handle.result();
    const decision = { by: 'Ada', reason: 'looks right', user: 'ada', host: 'desk' };
    expect(results.ask).toMatchObject(decision);
    expect(results.after).toMatchObject({ value: 2 });
    expect(await stepOf(handle, 'ask')).toMatchObject({ state: 'done', asks: null });
    expect(await loadDecisions(interpreter.store, { run: 'approved', step: 'ask' })).toMatchObject([
      { approved: true, ...decision },
    ]);
  });

  it('fails when rejected; done again, it asks again, and both decisions are kept', async () => {
    const handle = await start('rejected', planOf([...plan().steps, approveStep('other', { message: 'And this?' })]));
    await untilAsked(handle);
    await answer(handle, { step: 'ask', as: 'Ada', approved: false, reason: 'the shirts are wrong' });
    while ((await stepOf(handle, 'ask'))?.state !== 'failed') await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await stepOf(handle, 'ask'))?.error).toEqual({
      type: 'Rejected',
      message: expect.stringMatching(/^ask was rejected by Ada: the shirts are wrong\. `contrail retry rejected ask`/),
    });
    expect(await stepOf(handle, 'after')).toMatchObject({ state: 'cancelled' });
    await handle.executeUpdate(retryUpdate, { args: [{ step: 'ask' }] });
    await untilAsked(handle);
    await answer(handle, { step: 'ask', as: 'Grace' });
    await answer(handle, { step: 'other', as: 'Grace' });
    expect((await handle.result()).after).toMatchObject({ value: 2 });
    expect(
      (await loadDecisions(interpreter.store, { run: 'rejected', step: 'ask' })).map(({ by, approved }) => [
        by,
        approved,
      ]),
    ).toEqual([
      ['Ada', false],
      ['Grace', true],
    ]);
  });

  it.each([
    ['approve', true],
    ['reject', false],
  ])('takes its default, to %s, where nobody answers in time', async (onTimeout, approved) => {
    const run = `silent-${onTimeout}`;
    const handle = await start(run, plan({ timeout: '300ms', onTimeout }));
    const ended = await handle.result().then(
      () => true,
      () => false,
    );
    expect(ended).toBe(approved);
    expect(await loadDecisions(interpreter.store, { run, step: 'ask' })).toMatchObject([{ approved, by: null }]);
  });

  it('takes no answer that is none, for another step, or before it asks', async () => {
    interpreter.behaviours.set('early/before', { failures: 0, broken: false, ms: 1500 });
    const handle = await start('early', plan());
    expect(await refusal(handle, { step: 'ask', as: 'Ada' })).toMatch(/does not ask yet: it is waiting/);
    expect(await refusal(handle, { step: 'before', as: 'Ada' })).toMatch(/does not wait for a person/);
    expect(await refusal(handle, { step: 'nobody', as: 'Ada' })).toMatch(/There is no step nobody/);
    expect(await refusal(handle, { step: 'ask', as: '  ' })).toMatch(/not valid/);
    expect(await refusal(handle, { step: 'ask', as: 'Ada', sure: true })).toMatch(/not valid/);
    await untilAsked(handle);
    await answer(handle, { step: 'ask', as: 'Ada' });
    await handle.result();
    expect(await loadDecisions(interpreter.store, { run: 'early', step: 'ask' })).toHaveLength(1);
  });

  it('ends with its run when that is cancelled', async () => {
    const handle = await start('cancelled', plan());
    await untilAsked(handle);
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    expect(await stepOf(handle, 'ask')).toMatchObject({ state: 'cancelled', asks: null });
  });
});
