import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statusQuery } from '../../workflows/messages.ts';
import type { pipeline } from '../../workflows/pipeline.ts';
import { workflowCode } from './bundle.ts';
import { type Interpreter, planOf, startInterpreter, step } from './interpreter.ts';

/**
 * A worker is replaced by one of another version while a run goes on, on the real server. The later versions are the present
 * code that also rests before each step: where no earlier version decided otherwise, or always.
 */
let versions: { readonly present: string; readonly later: string; readonly unguarded: string };
let interpreter: Interpreter;
beforeAll(async () => {
  const present = await workflowCode();
  versions = {
    present,
    later: resting(present, (sdk) => `${sdk}.patched('rests')`),
    unguarded: resting(present, () => 'true'),
  };
  interpreter = await startInterpreter([], versions.present);
}, 180_000);
afterAll(() => interpreter.stop(), 60_000);

/** The workflows with a short rest before each step, under a condition. */
function resting(code: string, condition: (sdk: string) => string): string {
  const place = 'state.resolved.set(id, resolved.parameters);';
  const [before = '', after, ...more] = code.split(place);
  const own = [...before.matchAll(/\(0,\s*([\w$]+)\.workflowInfo\)/g)].at(-1)?.[1];
  expect(after !== undefined && own !== undefined && more.length === 0, 'the place is in the workflows once').toBe(
    true,
  );
  return `${before}if (${condition(`${own}`)}) await ${own}.sleep('10ms');\n${place}${after}`;
}

/** What is done before the upgrade, what is under way, and what comes after. */
const plan = planOf([
  step('before', [], { value: 1 }),
  step('under-way', ['before'], { value: 2 }),
  step('beside', ['before'], { value: 3 }),
  step('after', ['under-way', 'beside'], { value: 4 }),
]);

const start = (run: string) =>
  interpreter.environment.client.workflow.start<typeof pipeline>('pipeline', {
    workflowId: run,
    taskQueue: 'contrail',
    args: [{ plan, resume: false, useCache: false }],
    workflowExecutionTimeout: '3m',
  });
type Handle = Awaited<ReturnType<typeof start>>;

const happened = (run: string, what: 'start' | 'done', id: string) =>
  interpreter.events.filter((event) => event.run === run && event.what === what && event.step === id).length;

const until = async (isSo: () => boolean | Promise<boolean>) => {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
};

/** A run on the present version of which one step has work under way that the upgrade cuts off. */
async function startOnPresent(run: string): Promise<Handle> {
  await interpreter.upgrade(versions.present);
  interpreter.behaviours.set(`${run}/under-way`, { failures: 0, broken: false, ms: 600_000 });
  const handle = await start(run);
  await until(() => happened(run, 'start', 'under-way') > 0 && happened(run, 'done', 'beside') > 0);
  interpreter.behaviours.delete(`${run}/under-way`);
  return handle;
}

/** How many rests a run's history has, and why workflow tasks failed. */
async function historyOf(handle: Handle) {
  const { events } = await handle.fetchHistory();
  return {
    rests: (events ?? []).filter((event) => event.timerStartedEventAttributes).length,
    failures: (events ?? []).flatMap((event) => event.workflowTaskFailedEventAttributes?.failure?.message ?? []),
  };
}

async function expectRightEnd(run: string, handle: Handle): Promise<void> {
  const results = await handle.result();
  expect(plan.steps.map(({ id }) => results[id]?.value)).toEqual([1, 2, 3, 4]);
  const { steps } = await handle.query(statusQuery);
  expect(steps.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done']);
  for (const { id } of plan.steps) expect(happened(run, 'done', id), id).toBe(1);
}

describe('an upgrade of the worker while a run goes on', () => {
  it('ends the run as it began; what begins on the later version does what is new', async () => {
    const handle = await startOnPresent('upgraded');
    await interpreter.upgrade(versions.later);
    await expectRightEnd('upgraded', handle);
    const { rests, failures } = await historyOf(handle);
    expect(failures).toEqual([]);
    expect(rests, 'only the last step began on the later version').toBe(1);

    const next = await start('on-the-later');
    await expectRightEnd('on-the-later', next);
    expect((await historyOf(next)).rests).toBe(4);
  });

  it('by a version whose change is not guarded lets the run stand still, until a version comes that replays it', async () => {
    const handle = await startOnPresent('stood-still');
    await interpreter.upgrade(versions.unguarded);
    await until(async () => (await historyOf(handle)).failures.length > 0);
    expect((await historyOf(handle)).failures[0]).toMatch(/nondeterminism/i);
    expect((await handle.describe()).status.name).toBe('RUNNING');
    expect(happened('stood-still', 'done', 'after')).toBe(0);

    await interpreter.upgrade(versions.present);
    await expectRightEnd('stood-still', handle);
  });
});
