import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireSendable } from '../../activities/context.ts';
import type { Plan } from '../../contracts/plan.ts';
import { statusQuery } from '../../workflows/messages.ts';
import type { pipeline } from '../../workflows/pipeline.ts';
import { type Interpreter, planOf, startInterpreter, step } from './interpreter.ts';

/** What would be too much for Temporal, or for a workflow task, ends its step with a sentence, on the real server. */
let interpreter: Interpreter;
beforeAll(async () => {
  interpreter = await startInterpreter();
}, 180_000);
afterAll(() => interpreter.stop(), 60_000);

const start = (run: string, plan: Plan, resume = false) =>
  interpreter.environment.client.workflow.start<typeof pipeline>('pipeline', {
    workflowId: run,
    taskQueue: 'contrail',
    args: [{ plan, resume }],
    workflowExecutionTimeout: '2m',
  });

async function failureOf(run: string, plan: Plan): Promise<string> {
  const handle = await start(run, plan);
  const error = await handle.result().then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(WorkflowFailedError);
  expect((await handle.query(statusQuery)).steps.find(({ id }) => id === 'tell')).toMatchObject({
    state: 'failed',
    error: { type: 'InvalidInput' },
  });
  return (error as WorkflowFailedError).cause?.message ?? '';
}

const named = (times: number) => Array.from({ length: times }, () => '${steps.a.result}');
const telling = (by: unknown) =>
  planOf([step('a'), step('tell', ['a'], { with: { by: by as never, goal: 'highest' } })]);

describe('parameters that are too large to be sent', () => {
  it('fail their step at once, with its size and the limit; mended, the run goes on', async () => {
    expect(await failureOf('large', telling(named(20_000)))).toMatch(
      /^tell: The parameters of tell have 1\.\d MiB with the results that they refer to; at most 1 MiB can be sent\./,
    );
    const mended = await start('large', planOf([step('a'), step('tell', ['a'])]), true);
    expect(Object.keys(await mended.result())).toEqual(['a', 'tell']);
  });

  it('also where they would be larger than a text can be', async () => {
    expect(await failureOf('text', telling([named(80_000).join(' ')]))).toContain('have more than 4 MiB');
  });
});

describe('conditions that would take too long', () => {
  it('fail their step, and other runs go on', async () => {
    const list = Array.from({ length: 400 }, (_, index) => index);
    const when = 'params.list.all(a, params.list.all(b, params.list.all(c, a + b + c >= 0)))';
    const plan = planOf([step('a'), step('tell', ['a'], { when })], { params: { list } });
    expect(await failureOf('costly', plan)).toMatch(/^tell: when \(.*\) cannot be evaluated: it may take \d+ steps/);
  });

  it('so do patterns, whatever the text', async () => {
    const plan = planOf([step('a'), step('tell', ['a'], { when: "params.x.matches('(?=(a+)+$)')" })], {
      params: { x: `${'a'.repeat(60)}!` },
    });
    expect(await failureOf('pattern', plan)).toContain('may not look around');
  });
});

it('a result that is too large to be sent is a mistake, not a reason to do the work again', () => {
  expect(() =>
    requireSendable({ confusion: Array.from({ length: 700 }, () => new Array<number>(1000).fill(7)) }),
  ).toThrow(
    expect.objectContaining({
      code: 'InvalidInput',
      message: expect.stringMatching(/^The result of this step has 1\.3 MiB; at most 1 MiB can be sent/) as unknown,
    }) as Error,
  );
});
