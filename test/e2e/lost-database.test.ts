import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadStepResult, openCheckpoints } from '../../store/index.ts';
import { runCommand, runForJson } from './command.ts';
import { smallPipeline, startTestEnvironment, type TestEnvironment } from './environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startTestEnvironment();
});
afterAll(() => environment.stop());

const key = { run: 'lost', step: 'pretrain' };
const epochsOf = async () => {
  const kept = await openCheckpoints(environment.store, key).list();
  return kept.filter(({ manifest }) => manifest.step === 0).length;
};

it('a run whose server has lost its database is listed, shown and resumed from the store, to the same bits', async () => {
  const { home, store } = environment;
  const pipeline = smallPipeline({ epochs: 6 });
  await environment.start('lost', pipeline);
  while ((await epochsOf()) < 2) await new Promise((resolve) => setTimeout(resolve, 100));
  await environment.loseDatabase();
  const done = await epochsOf();
  expect(done).toBeLessThan(6);

  const filters = ['--state', 'not-on-server', '--pipeline', 'small', '--since', '1h'];
  const [all, filtered, running, status, cancel, graph, logs] = await Promise.all([
    runForJson(home, ['list']),
    runForJson(home, ['list', ...filters]),
    runForJson(home, ['list', '--state', 'running', 'completed']),
    runForJson(home, ['status', 'lost']),
    runCommand(home, ['cancel', 'lost']),
    runCommand(home, ['graph', 'lost']),
    runCommand(home, ['logs', 'lost']),
  ]);
  const lost = { run: 'lost', pipeline: 'small', state: 'not-on-server', steps: { done: 1, of: 4 } };
  expect([all, filtered, running]).toMatchObject([[lost], [lost], []]);
  expect(status).toMatchObject({
    ...{ state: 'not-on-server', from: 'store' },
    steps: [
      { state: 'done' },
      { state: 'waiting', epoch: done, epochs: 6 },
      { state: 'waiting' },
      { state: 'waiting' },
    ],
  });
  expect(cancel.code).toBe(1);
  expect(cancel.stderr).toMatch(/not on this server, but the store has it.*`contrail resume lost` goes on with it/);
  expect(graph.stdout).toMatch(/data .*done/);
  expect(logs.stdout).toContain('epoch-1');

  const { code, stderr } = await runCommand(home, ['resume', 'lost']);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('lost is not on this server; it goes on from what the store has of it');
  expect(await runForJson(home, ['list'])).toMatchObject([{ run: 'lost', state: 'completed', steps: null }]);

  // The reference comes after it, so that it cannot be where the result was taken from.
  await environment.start('reference', pipeline, false, { useCache: false });
  const refused = await runCommand(home, ['rm', 'reference', '--yes']);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('The run reference is going on.') });
  const reference = (await environment.result('reference')).pretrain;
  const resumed = (await loadStepResult(store, key))?.result;
  expect(resumed).toMatchObject({ digest: reference?.digest, encoder: reference?.encoder });

  const dryRun = await runCommand(home, ['rm', 'lost', '--dry-run']);
  expect(dryRun).toMatchObject({ code: 0, stderr: expect.stringMatching(/Would remove lost .* Temporal forgets it/) });
  expect(await runForJson(home, ['rm', 'lost', '--yes'])).toMatchObject({ runs: [{ run: 'lost' }] });
  expect(await store.list('runs/lost')).toEqual([]);
  // The server remembers it, but it is none that completed.
  const [after, completed] = await Promise.all([
    runForJson(home, ['list']),
    runForJson(home, ['list', '--state', 'completed']),
  ]);
  expect(after).toMatchObject([{ run: 'reference' }, { run: 'lost', state: 'removed' }]);
  expect(completed).toMatchObject([{ run: 'reference' }]);
}, 400_000);
