import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statusQuery } from '../../workflows/messages.ts';
import type { pipeline } from '../../workflows/pipeline.ts';
import { workflowCode } from './bundle.ts';
import { type Interpreter, planOf, startInterpreter, step } from './interpreter.ts';

/**
 * A worker is replaced by one of another version while a run goes on, on the real server. The old version is the present code
 * without the look-up of each step, which came later and is guarded by `patched('look-up-step')`.
 */
const guard = /\(0,\s*[\w$]+\.patched\)\(['"]look-up-step['"]\)/g;
let versions: { readonly old: string; readonly present: string; readonly unguarded: string };
let interpreter: Interpreter;
beforeAll(async () => {
  const present = await workflowCode();
  expect(present.match(guard)).toHaveLength(1);
  versions = { present, old: present.replace(guard, 'false'), unguarded: present.replace(guard, 'true') };
  interpreter = await startInterpreter([], versions.old);
}, 180_000);
afterAll(() => interpreter.stop(), 60_000);

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

/** A run on the old version of which one step has work under way that the upgrade cuts off. */
async function startOnOld(run: string): Promise<Handle> {
  await interpreter.upgrade(versions.old);
  interpreter.behaviours.set(`${run}/under-way`, { failures: 0, broken: false, ms: 600_000 });
  const handle = await start(run);
  await until(() => happened(run, 'start', 'under-way') > 0 && happened(run, 'done', 'beside') > 0);
  interpreter.behaviours.delete(`${run}/under-way`);
  return handle;
}

/** The activities that a run's history has, and why workflow tasks failed. */
async function historyOf(handle: Handle) {
  const { events } = await handle.fetchHistory();
  return {
    activities: (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []),
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
  it('ends the run as it began; a run that starts on the new version does what is new', async () => {
    const handle = await startOnOld('upgraded');
    await interpreter.upgrade(versions.present);
    await expectRightEnd('upgraded', handle);
    const { activities, failures } = await historyOf(handle);
    expect(failures).toEqual([]);
    expect(activities).not.toContain('lookUpStep');

    const next = await start('on-the-new');
    await expectRightEnd('on-the-new', next);
    expect((await historyOf(next)).activities.filter((name) => name === 'lookUpStep')).toHaveLength(4);
  });

  it('by a version whose change is not guarded lets the run stand still, until a version comes that replays it', async () => {
    const handle = await startOnOld('stood-still');
    await interpreter.upgrade(versions.unguarded);
    await until(async () => (await historyOf(handle)).failures.length > 0);
    expect((await historyOf(handle)).failures[0]).toMatch(/nondeterminism/i);
    expect((await handle.describe()).status.name).toBe('RUNNING');
    expect(happened('stood-still', 'done', 'after')).toBe(0);

    await interpreter.upgrade(versions.present);
    await expectRightEnd('stood-still', handle);
  });
});
