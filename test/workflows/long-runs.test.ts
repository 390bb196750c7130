import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { embedding } from '../../workflows/embedding.ts';
import { approveUpdate, embeddingProgressQuery, statusQuery } from '../../workflows/messages.ts';
import type { pipeline } from '../../workflows/pipeline.ts';
import type { training } from '../../workflows/training.ts';
import { approveStep, type Interpreter, listStep, planOf, startInterpreter, step } from './interpreter.ts';

/** Long runs, on a server that suggests a new history early. */
let interpreter: Interpreter;
beforeAll(async () => {
  interpreter = await startInterpreter(['--dynamic-config-value', 'limit.historyCount.suggestContinueAsNew=200']);
}, 180_000);
afterAll(() => interpreter.stop(), 60_000);

const start = (run: string, plan: ReturnType<typeof planOf>) =>
  interpreter.environment.client.workflow.start<typeof pipeline>('pipeline', {
    workflowId: run,
    taskQueue: 'contrail',
    args: [{ plan, resume: false }],
  });

const executions = async (run: string) => {
  const found: { status: string; events: number }[] = [];
  for await (const { status, historyLength } of interpreter.environment.client.workflow.list({
    query: `WorkflowId = '${run}'`,
  }))
    found.push({ status: status.name, events: historyLength });
  return found;
};

/** What the step `ask` asks, once it does. */
async function questionOf(handle: Awaited<ReturnType<typeof start>>) {
  for (;;) {
    const { asks } = (await handle.query(statusQuery)).steps.find(({ id }) => id === 'ask') ?? {};
    if (asks) return asks;
  }
}

describe('a history that grows long', () => {
  it('begins anew between steps, and no step is done twice', { timeout: 300_000 }, async () => {
    const steps = Array.from({ length: 60 }, (_, index) =>
      step(`s${index}`, index < 5 ? [] : [`s${index - 5}`], { value: index }),
    );
    const handle = await start('long', planOf(steps));
    const results = await handle.result();
    expect(Object.keys(results)).toHaveLength(60);
    expect(results.s59).toMatchObject({ value: 59 });
    const all = await executions('long');
    expect(all.length).toBeGreaterThan(1);
    expect(all.filter(({ status }) => status === 'CONTINUED_AS_NEW')).toHaveLength(all.length - 1);
    for (const { id } of steps)
      expect(interpreter.events.filter((event) => event.what === 'done' && event.step === id)).toHaveLength(1);
    expect((await handle.query(statusQuery)).steps.every(({ state }) => state === 'done')).toBe(true);
  });
});

it('the items of a list are there in the new history too, and each is done once', { timeout: 300_000 }, async () => {
  const steps = Array.from({ length: 60 }, (_, index) =>
    step(`s${index}`, index < 5 ? [] : [`s${index - 5}`], { value: 2000 + index }),
  );
  const list = { step: 'split', path: ['items'], name: 'item', root: 'each' };
  const plan = planOf(
    [
      ...steps,
      listStep('split', [], 3),
      step('each', ['split', 's50'], { cache: false }),
      step('join', ['each'], { value: 2100 }),
    ],
    { matrices: { each: { members: ['each'], list } } },
  );
  const handle = await start('listed', plan);
  const statesOf = async () => (await handle.query(statusQuery)).steps.map(({ id, state }) => `${id} ${state}`);
  await handle.result();
  expect((await executions('listed')).length).toBeGreaterThan(1);
  expect((await statesOf()).slice(60)).toEqual([
    'split done',
    'each@item=i2 done',
    'each@item=i1 done',
    'each@item=i0 done',
    'join done',
  ]);
  const done = interpreter.events.filter(({ what, run }) => what === 'done' && run === 'listed');
  expect(done).toHaveLength(65);
});

it('a step that waits for a person goes on waiting in the new history, with its deadline', {
  timeout: 300_000,
}, async () => {
  const steps = Array.from({ length: 60 }, (_, index) =>
    step(`s${index}`, index < 5 ? [] : [`s${index - 5}`], { value: 1000 + index }),
  );
  const handle = await start('asked', planOf([approveStep('ask', { message: 'Shall it?', timeout: '1h' }), ...steps]));
  const first = await questionOf(handle);
  while ((await executions('asked')).length === 1) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await questionOf(handle)).toEqual(first);
  await handle.executeUpdate(approveUpdate, { args: [{ step: 'ask', as: 'Ada' }] });
  expect((await handle.result()).ask).toMatchObject({ by: 'Ada' });
});

it('an answer that comes before the new history asks again is not lost, and is the only one', {
  timeout: 300_000,
}, async () => {
  const steps = Array.from({ length: 60 }, (_, index) =>
    step(`s${index}`, index < 5 ? [] : [`s${index - 5}`], { value: 3000 + index }),
  );
  let times = 0;
  let goOn = () => {};
  const isLookedUpAgain = new Promise<void>((resolve) => {
    interpreter.beforeLookUps.set('early/ask', async () => {
      if (++times !== 2) return;
      resolve();
      await new Promise<void>((goesOn) => {
        goOn = goesOn;
      });
    });
  });
  const handle = await start('early', planOf([approveStep('ask', { message: 'Shall it?' }), ...steps]));
  await isLookedUpAgain;
  const answer = (as: string) => handle.executeUpdate(approveUpdate, { args: [{ step: 'ask', as }] });
  await answer('Ada');
  await expect(answer('Grace')).rejects.toMatchObject({
    cause: { message: 'Step ask has been answered already.' },
  });
  goOn();
  expect((await handle.result()).ask).toMatchObject({ by: 'Ada' });
});

describe('a training of many epochs', () => {
  /** More of them, by hand, show the same for as long as one likes. */
  const epochs = Number(process.env.CONTRAIL_TEST_EPOCHS ?? 400);

  it('begins its history anew between epochs, and trains each once', { timeout: 3_600_000 }, async () => {
    const handle = await interpreter.environment.client.workflow.start<typeof training>('training', {
      workflowId: 'many',
      taskQueue: 'contrail',
      args: [
        {
          ...{ run: 'many', step: 'pretrain', uses: 'pretrain', queue: 'cpu', timeoutMs: 60_000, retry: {} },
          ...{ dataset: { kind: 'dataset', digest: '0'.repeat(64) }, parameters: { epochs }, epochs },
          ...{ fingerprint: 'many', resume: false, accept: false },
        },
      ],
    });
    const { result } = await handle.result();
    expect(result).toMatchObject({ epoch: epochs });
    const all = await executions('many');
    expect(all.length).toBeGreaterThan(epochs / 100);
    for (const { events } of all) expect(events).toBeLessThan(400);
    const trained = interpreter.events.flatMap(({ run, step }) => (run === 'many' ? [step] : []));
    expect(trained).toEqual(Array.from({ length: epochs }, (_, index) => `pretrain#${index + 1}`));
    const history = await handle.fetchHistory();
    expect(JSON.stringify(history).length).toBeLessThan(1_000_000);
  });
});

describe('an embedding of many shards', () => {
  const startEmbedding = (run: string) =>
    interpreter.environment.client.workflow.start<typeof embedding>('embedding', {
      workflowId: run,
      taskQueue: 'contrail',
      args: [
        {
          ...{ run, step: 'embed', queue: 'cpu', timeoutMs: 60_000, retry: {}, fingerprint: run },
          ...{ inputs: { encoder: { kind: 'encoder', digest: '0'.repeat(64) } }, parameters: { atOnce: 4 } },
        },
      ],
    });
  const eventsOf = (named: string) => interpreter.events.flatMap(({ run, step }) => (run === named ? [step] : []));
  const shards = Array.from({ length: 150 }, (_, shard) => `embed#${shard}`);

  it('begins its history anew between shards, and does each once', { timeout: 300_000 }, async () => {
    const handle = await startEmbedding('shards');
    expect(await handle.result()).toEqual({ result: { images: 1500 }, retries: 0 });
    const all = await executions('shards');
    expect(all.length).toBeGreaterThan(2);
    expect(all.filter(({ status }) => status === 'CONTINUED_AS_NEW')).toHaveLength(all.length - 1);
    const [planned, ...done] = eventsOf('shards');
    expect([planned, done.toSorted()]).toEqual(['embed', shards.toSorted()]);
    expect(await handle.query(embeddingProgressQuery)).toEqual({ done: 1500, images: 1500, reused: 0 });
  });

  it('is planned again, a few times, where what it counted on is gone', { timeout: 300_000 }, async () => {
    const handle = await startEmbedding('gone');
    await expect(handle.result()).rejects.toMatchObject({ cause: { cause: { message: 'it is gone' } } });
    const events = eventsOf('gone');
    expect(events.filter((event) => event === 'embed')).toHaveLength(4);
    expect(events.filter((event) => event === 'embed#7')).toHaveLength(4);
  });
});

describe('a matrix of 500 in a pipeline of 1,000', () => {
  it('runs within bounds: of the plan, of what the status says, of each history', { timeout: 600_000 }, async () => {
    const members = Array.from({ length: 500 }, (_, index) => `m@${index}`);
    const steps = [
      ...members.map((id, index) => step(id, [], { value: 1000 + index, matrix: { of: 'm', values: { index } } })),
      ...Array.from({ length: 499 }, (_, index) => step(`n${index}`, [`m@${index}`], { value: 2000 + index })),
      step('all', members, { value: 0 }),
    ];
    const plan = planOf(steps, { matrices: { m: { members, maxParallel: 100 } } });
    expect(JSON.stringify(plan).length).toBeLessThan(500_000);
    const handle = await start('wide', plan);
    const results = await handle.result();
    expect(Object.keys(results)).toHaveLength(1000);
    expect(JSON.stringify(await handle.query(statusQuery)).length).toBeLessThan(500_000);
    const details = await handle.query('__temporal_workflow_metadata');
    expect(JSON.stringify(details).length).toBeLessThan(20_000);
    for (const { events } of await executions('wide')) expect(events).toBeLessThan(10_000);
  });
});
