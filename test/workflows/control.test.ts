import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../contracts/plan.ts';
import type { StepState } from '../../contracts/status.ts';
import { listCache } from '../../store/index.ts';
import { runDetails } from '../../workflows/details.ts';
import {
  pauseUpdate,
  progressQuery,
  retryUpdate,
  setUpdate,
  statusQuery,
  stepProgressSignal,
  unpauseUpdate,
} from '../../workflows/messages.ts';
import type { PipelineInput, pipeline } from '../../workflows/pipeline.ts';
import { stateAttribute } from '../../workflows/search-attributes.ts';
import type { training as trainingWorkflow } from '../../workflows/training.ts';
import { type Interpreter, listStep, planOf, startInterpreter, step } from './interpreter.ts';

/** What people ask of a run while it goes on and after, on the real server. */
let interpreter: Interpreter;
beforeAll(async () => {
  interpreter = await startInterpreter();
}, 180_000);
afterAll(() => interpreter.stop(), 60_000);

let values = 100;
/** A value that no other test has, so that no result is in the cache. */
const fresh = () => values++;

const start = (run: string, plan: Plan, rest: Partial<PipelineInput> = {}) =>
  interpreter.environment.client.workflow.start<typeof pipeline>('pipeline', {
    workflowId: run,
    taskQueue: 'contrail',
    args: [{ plan, resume: false, ...rest }],
    workflowExecutionTimeout: '2m',
  });
type Handle = Awaited<ReturnType<typeof start>>;

const statesOf = async (handle: Handle): Promise<Record<string, StepState>> =>
  Object.fromEntries((await handle.query(statusQuery)).steps.map(({ id, state }) => [id, state]));

async function until(handle: Handle, id: string, state: StepState): Promise<void> {
  for (;;) {
    const is = (await statesOf(handle))[id];
    if (is === state) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A step that is running may still be looking for a result in the cache. */
async function untilWorkBegan(run: string, id: string): Promise<void> {
  while (!interpreter.events.some((event) => event.what === 'start' && event.run === run && event.step === id))
    await new Promise((resolve) => setTimeout(resolve, 20));
}

const failureOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError).toBe(true);
  return (error as WorkflowFailedError).cause?.message ?? '';
};

const timesDone = (run: string, id: string) =>
  interpreter.events.filter((event) => event.what === 'done' && event.run === run && event.step === id).length;

describe('the cache', () => {
  it('gives a step the result of the same step in another run, and says which', async () => {
    const value = fresh();
    await (await start('first', planOf([step('a', [], { value })]))).result();
    const second = await start('second', planOf([step('b', [], { value })]));
    await second.result();
    expect((await second.query(statusQuery)).steps[0]).toMatchObject({
      state: 'done',
      reused: true,
      attempts: 0,
      from: { run: 'first', step: 'a' },
    });
    expect(timesDone('second', 'b')).toBe(0);
  });

  it('is passed over by a step with cache: false, and by a run that does not want it', async () => {
    const value = fresh();
    await (await start('made', planOf([step('a', [], { value })]))).result();
    await (await start('uncached-step', planOf([step('a', [], { value, cache: false })]))).result();
    await (await start('uncached-run', planOf([step('a', [], { value })]), { useCache: false })).result();
    expect(timesDone('uncached-step', 'a')).toBe(1);
    expect(timesDone('uncached-run', 'a')).toBe(1);
  });

  it('gives no result that does not fit its kind', async () => {
    const value = fresh();
    await (await start('before', planOf([step('a', [], { value })]))).result();
    const entry = (await listCache(interpreter.store)).find(({ run }) => run === 'before');
    const { key, ...rest } = entry ?? expect.fail('the cache has the result');
    const changed = { ...rest, result: { ...rest.result, index: 'first' } };
    await interpreter.store.write(`cache/${key}.json`, new TextEncoder().encode(JSON.stringify(changed)));
    await (await start('after', planOf([step('a', [], { value })]))).result();
    expect(timesDone('after', 'a')).toBe(1);
  });
});

describe('retry', () => {
  it('does a step of an ended run again, and what follows, and nothing else', async () => {
    const plan = planOf([
      step('other', [], { value: fresh() }),
      step('a', [], { value: fresh() }),
      step('b', ['a'], { value: fresh() }),
    ]);
    await (await start('ended', plan)).result();
    const again = await start('ended', plan, { resume: true, redo: ['a'] });
    await again.result();
    expect(['other', 'a', 'b'].map((id) => timesDone('ended', id))).toEqual([1, 2, 2]);
  });

  it('does a failed step again while the run goes on, and what was cancelled with it', async () => {
    interpreter.behaviours.set('going/slow', { failures: 0, broken: false, ms: 3000 });
    interpreter.behaviours.set('going/bad', { failures: 0, broken: true, ms: 0 });
    const plan = planOf([
      step('slow', [], { value: fresh() }),
      step('bad', [], { value: fresh() }),
      step('after', ['bad'], { value: fresh() }),
    ]);
    const handle = await start('going', plan);
    await until(handle, 'after', 'cancelled');
    await expect(handle.executeUpdate(retryUpdate, { args: [{ step: 'slow' }] })).rejects.toThrow(
      WorkflowUpdateFailedError,
    );
    interpreter.behaviours.delete('going/bad');
    expect(await handle.executeUpdate(retryUpdate, { args: [{ step: 'bad' }] })).toEqual(['bad', 'after']);
    await handle.result();
    expect(await statesOf(handle)).toEqual({ slow: 'done', bad: 'done', after: 'done' });
  });
});

describe('a step for each item of a list', () => {
  const listed = (run: string, broken: string) => {
    interpreter.behaviours.set(`${run}/slow`, { failures: 0, broken: false, ms: 4000 });
    interpreter.behaviours.set(`${run}/${broken}`, { failures: 0, broken: true, ms: 0 });
    const list = { step: 'split', path: ['items'], name: 'item', root: 'each' };
    return (rest: { readonly tolerate?: number }) =>
      planOf(
        [
          step('slow', [], { value: fresh() }),
          listStep('split', [], 4 * fresh() + 3),
          step('each', ['split'], { value: fresh(), cache: false }),
          step('join', ['each'], { value: fresh() }),
        ],
        { matrices: { each: { members: ['each'], maxParallel: 1, list, ...rest } } },
      );
  };

  it('is done again with the others that were stopped for its sake, and cannot get parameters of its own', async () => {
    const handle = await start('items', listed('items', 'each@item=i1')({}));
    await until(handle, 'each@item=i0', 'cancelled');
    expect(await statesOf(handle)).toMatchObject({
      'each@item=i2': 'done',
      'each@item=i1': 'failed',
      join: 'cancelled',
    });
    await expect(
      handle.executeUpdate(setUpdate, { args: [{ step: 'each@item=i0', path: 'goal', value: 'lowest' }] }),
    ).rejects.toMatchObject({ cause: { message: expect.stringContaining('is there for the items of a list') } });
    interpreter.behaviours.delete('items/each@item=i1');
    const again = ['each@item=i1', 'join', 'each@item=i0'];
    expect(await handle.executeUpdate(retryUpdate, { args: [{ step: 'each@item=i1' }] })).toEqual(again);
    await handle.result();
    expect(new Set(Object.values(await statesOf(handle)))).toEqual(new Set(['done']));
    expect(interpreter.events.filter(({ run, what }) => run === 'items' && what === 'done')).toHaveLength(6);
  });

  it('that is tolerated is not done again while others go on without it', async () => {
    const handle = await start('tolerated', listed('tolerated', 'each@item=i1')({ tolerate: 1 }));
    await until(handle, 'join', 'done');
    await expect(handle.executeUpdate(retryUpdate, { args: [{ step: 'each@item=i1' }] })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('join has gone on without step each@item=i1') },
    });
    await handle.result();
    expect((await handle.query(statusQuery)).state).toBe('done');
  });

  it('is cancelled with the run', async () => {
    interpreter.behaviours.set('stopped/each@item=i2', { failures: 0, broken: false, ms: 5000 });
    const handle = await start('stopped', listed('stopped', 'none')({}));
    await until(handle, 'each@item=i2', 'running');
    await handle.cancel();
    await handle.result().catch(() => undefined);
    expect(await statesOf(handle)).toMatchObject({
      split: 'done',
      'each@item=i2': 'cancelled',
      'each@item=i0': 'cancelled',
    });
  });

  it('begins when a person lets it', async () => {
    interpreter.behaviours.set('held/split', { failures: 0, broken: false, ms: 1000 });
    const handle = await start('held', listed('held', 'none')({}));
    await handle.executeUpdate(pauseUpdate, { args: [{ steps: ['each'] }] });
    await until(handle, 'split', 'done');
    expect(await statesOf(handle)).toMatchObject({ each: 'paused', join: 'waiting' });
    await handle.executeUpdate(unpauseUpdate, { args: [{ steps: ['each'] }] });
    await handle.result();
    expect(await statesOf(handle)).toMatchObject({ 'each@item=i0': 'done', join: 'done' });
  });
});

describe('a step that is given up last', () => {
  it('lets those of onFailure and finally go on', async () => {
    const plan = planOf([
      step('a', [], { value: fresh() }),
      step('b', ['a'], { value: fresh(), when: 'false' }),
      step('c', ['b'], { value: fresh() }),
      step('sad', [], { value: fresh(), role: 'onFailure' }),
      step('last', [], { value: fresh(), role: 'finally' }),
    ]);
    const handle = await start('given-up', plan);
    await handle.result();
    expect(await statesOf(handle)).toEqual({ a: 'done', b: 'skipped', c: 'skipped', sad: 'skipped', last: 'done' });
  });
});

describe('pause', () => {
  it('starts nothing new until unpause; the list of runs shows it', async () => {
    interpreter.behaviours.set('paused/a', { failures: 0, broken: false, ms: 3000 });
    const handle = await start(
      'paused',
      planOf([step('a', [], { value: fresh() }), step('b', ['a'], { value: fresh() })]),
    );
    await untilWorkBegan('paused', 'a');
    await handle.executeUpdate(pauseUpdate, { args: [{ reason: 'the GPU is needed' }] });
    await until(handle, 'a', 'done');
    expect((await handle.query(statusQuery)).state).toBe('paused');
    const { typedSearchAttributes, memo } = await handle.describe();
    expect(typedSearchAttributes.get(stateAttribute)).toBe('paused');
    expect(memo).toMatchObject({ paused: 'the GPU is needed' });
    expect(await failureOf(handle.executeUpdate(pauseUpdate, { args: [{}] }))).toBe('The run is paused already.');
    expect(await statesOf(handle)).toEqual({ a: 'done', b: 'waiting' });
    await handle.executeUpdate(unpauseUpdate, { args: [{}] });
    await handle.result();
    expect((await handle.describe()).typedSearchAttributes.get(stateAttribute)).toBe('running');
  });

  it('is shown of a run whose steps all wait for a person', async () => {
    const stateOf = async (handle: Handle) => (await handle.describe()).typedSearchAttributes.get(stateAttribute);
    const untilState = async (handle: Handle, state: string) => {
      while ((await stateOf(handle)) !== state) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    interpreter.behaviours.set('waiting/a', { failures: 0, broken: true, ms: 0 });
    const retry = { maximumAttempts: 1, onExhausted: 'pause' } as const;
    const handle = await start('waiting', planOf([step('a', [], { value: fresh(), retry })]));
    await until(handle, 'a', 'paused');
    await untilState(handle, 'paused');
    interpreter.behaviours.delete('waiting/a');
    await handle.executeUpdate(unpauseUpdate, { args: [{ steps: ['a'] }] });
    await handle.result();
    expect(await stateOf(handle)).toBe('running');
  });

  it('of one step holds it back alone', async () => {
    interpreter.behaviours.set('held/a', { failures: 0, broken: false, ms: 3000 });
    const plan = planOf([
      step('a', [], { value: fresh() }),
      step('b', ['a'], { value: fresh() }),
      step('c', ['a'], { value: fresh() }),
    ]);
    const handle = await start('held', plan);
    await handle.executeUpdate(pauseUpdate, { args: [{ steps: ['b'] }] });
    await until(handle, 'c', 'done');
    expect((await statesOf(handle)).b).toBe('paused');
    expect(await failureOf(handle.executeUpdate(unpauseUpdate, { args: [{ steps: ['a'] }] }))).toBe(
      'Step a is not paused: it is done.',
    );
    await handle.executeUpdate(unpauseUpdate, { args: [{ steps: ['b'] }] });
    await handle.result();
  });

  it('of a run is ended by a cancel', async () => {
    const handle = await start(
      'cancelled-while-paused',
      planOf([step('a', [], { value: fresh(), retry: { onExhausted: 'pause' } })]),
    );
    await handle.executeUpdate(pauseUpdate, { args: [{}] }).catch(() => undefined);
    await handle.cancel();
    await handle.result().catch(() => undefined);
    expect(['CANCELLED', 'COMPLETED']).toContain((await handle.describe()).status.name);
  });
});

describe('onExhausted: pause', () => {
  it('waits for a person, who may change the parameters; invalid ones are refused', async () => {
    interpreter.behaviours.set('waits/a', { failures: 9, broken: false, ms: 0 });
    const value = fresh();
    const retry = { maximumAttempts: 2, initialInterval: 10, onExhausted: 'pause' as const };
    const handle = await start(
      'waits',
      planOf([step('a', [], { value, retry }), step('b', ['a'], { value: fresh() })]),
    );
    await until(handle, 'a', 'paused');
    const [a] = (await handle.query(statusQuery)).steps;
    expect(a).toMatchObject({ state: 'paused', error: { message: 'as the test wants it' } });
    const invalid = { steps: ['a'], set: { goal: 'widest' } };
    expect(await failureOf(handle.executeUpdate(unpauseUpdate, { args: [invalid] }))).toContain('goal');
    expect((await statesOf(handle)).a).toBe('paused');
    interpreter.behaviours.delete('waits/a');
    await handle.executeUpdate(unpauseUpdate, { args: [{ steps: ['a'], set: { goal: 'lowest' } }] });
    await handle.result();
    const entries = await listCache(interpreter.store);
    const made = entries.find(({ run, step }) => run === 'waits' && step === 'a');
    expect(made?.fingerprint).toContain('"goal":"lowest"');
  });
});

describe('onFailure and finally', () => {
  const handlers = () => [
    step('on-failure', [], { value: fresh(), role: 'onFailure' }),
    step('last', [], { value: fresh(), role: 'finally' }),
  ];

  it('run after a failure', async () => {
    interpreter.behaviours.set('fails/a', { failures: 0, broken: true, ms: 0 });
    const handle = await start('fails', planOf([step('a', [], { value: fresh() }), ...handlers()]));
    expect(await failureOf(handle.result())).toBe('a: as the test wants it');
    expect(await statesOf(handle)).toEqual({ a: 'failed', 'on-failure': 'done', last: 'done' });
  });

  it('run without a failure: finally alone, and one of its steps that fails makes the run fail', async () => {
    interpreter.behaviours.set('ends-badly/last', { failures: 0, broken: true, ms: 0 });
    const handle = await start('ends-badly', planOf([step('a', [], { value: fresh() }), ...handlers()]));
    expect(await failureOf(handle.result())).toBe('last: as the test wants it');
    expect(await statesOf(handle)).toEqual({ a: 'done', 'on-failure': 'skipped', last: 'failed' });
  });

  it('run after a cancel: finally to its end', async () => {
    interpreter.behaviours.set('stopped/a', { failures: 0, broken: false, ms: 60_000 });
    interpreter.behaviours.set('stopped/last', { failures: 0, broken: false, ms: 300 });
    const handle = await start('stopped', planOf([step('a', [], { value: fresh() }), ...handlers()]));
    await until(handle, 'a', 'running');
    await handle.cancel();
    await handle.result().catch(() => undefined);
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect(await statesOf(handle)).toEqual({ a: 'cancelled', 'on-failure': 'skipped', last: 'done' });
  });
});

it('a training says which epochs its rules may go back to, so that their checkpoints are kept', async () => {
  const health = { plateau: { epochs: 4, minimumDelta: 0.4, action: 'retry' }, retry: { times: 1, otherwise: 'stop' } };
  await interpreter.environment.client.workflow.execute<typeof trainingWorkflow>('training', {
    workflowId: 'plateau/pretrain',
    taskQueue: 'contrail',
    args: [
      {
        ...{ run: 'plateau', step: 'pretrain', uses: 'pretrain', queue: 'cpu', timeoutMs: 60_000, retry: {} },
        dataset: { kind: 'dataset', digest: 'd'.repeat(64) },
        parameters: { epochs: 9, optimizer: { learningRate: 0.1 }, health },
        ...{ fingerprint: '{}', resume: false, accept: false },
      },
    ],
  });
  const asked = interpreter.epochs.filter(({ run }) => run === 'plateau');
  // The losses are 1, 1/2, 1/3, …: the last that fell by 0.4 is that of epoch 2.
  expect(asked.map(({ epoch }) => epoch).slice(0, 8)).toEqual([1, 2, 3, 4, 5, 6, 3, 4]);
  for (const { epoch, mayReturnTo } of asked.slice(2, 7))
    expect([epoch, mayReturnTo]).toEqual([epoch, expect.arrayContaining([2])]);
});

it('a training whose checkpoint is gone says so, and so do status and details of its run', async () => {
  const { client } = interpreter.environment;
  const training = await client.workflow.start<typeof trainingWorkflow>('training', {
    workflowId: 'lost/pretrain',
    taskQueue: 'contrail',
    args: [
      {
        ...{ run: 'lost', step: 'pretrain', uses: 'pretrain', queue: 'cpu', timeoutMs: 60_000, retry: {} },
        dataset: { kind: 'dataset', digest: 'd'.repeat(64) },
        parameters: { epochs: 3, optimizer: { learningRate: 0.1 } },
        ...{ fingerprint: '{}', resume: false, accept: false },
      },
    ],
  });
  await training.result();
  const progress = await training.query(progressQuery);
  const lost = 'no checkpoint of epoch 1 is kept; training begins anew, and must arrive at the same state';
  expect(progress).toMatchObject({ epoch: 3, lost });

  const handle = await start('told-of-it', planOf([step('pretrain', [], { value: fresh() })]));
  if (progress) await handle.signal(stepProgressSignal, progress);
  await handle.result();
  const { steps } = await handle.query(statusQuery);
  expect(steps).toMatchObject([{ id: 'pretrain', lost }]);
  const details = runDetails({ steps: 1, counts: {}, paused: null, troubles: new Map(), tolerated: [], shown: steps });
  expect(details).toContain(`**pretrain**: ${lost}.`);
});
