import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lookAhead } from '../../cli/outlook/outlook.ts';
import { queryStatus, type StartOptions } from '../../cli/runs.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { gather } from '../../report/index.ts';
import { loadCacheEntry } from '../../store/index.ts';
import { runCommand } from './command.ts';
import { startTestEnvironment, type TestEnvironment } from './environment.ts';

/**
 * A step splits, as many as it says measure, another sums. What was measured is in a file, one line for each time; and a shard whose
 * name is in another file cannot be measured.
 */
let environment: TestEnvironment;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-lists-'));
  environment = await startTestEnvironment(['--own-steps']);
});
afterAll(async () => {
  await environment.stop();
  await rm(folder, { recursive: true, force: true });
});

const pipeline = (name: string, shards: readonly unknown[], tolerate = 0) => `
name: ${name}
steps:
  split:
    uses: run
    with:
      command: ['printf %s "$SHARDS" > "$CONTRAIL_RESULT"']
      shell: true
      env: { SHARDS: '${JSON.stringify({ shards })}' }
      result: { shards: list }
  measure:
    uses: run
    matrix: { shard: "\${steps.split.result.shards}" }
    maxParallel: 1
    tolerate: ${tolerate}
    with:
      command: ['echo "$SHARD" >> "$DONE"; if grep -qx "$SHARD" "$BROKEN"; then echo "$SHARD is broken"; exit 3; fi; echo "{\\"name\\": \\"$SHARD!\\"}" > "$CONTRAIL_RESULT"']
      shell: true
      env: { SHARD: "\${matrix.shard}", DONE: ${join(folder, `${name}.done`)}, BROKEN: ${join(folder, `${name}.broken`)} }
      result: { name: text }
      noRetry: [3]
  sum:
    uses: run
    with:
      command: ['printf %s "$ALL" > "$CONTRAIL_RESULT"']
      shell: true
      env: { ALL: '{"all": \${steps.measure.result.name}}' }
      result: { all: list }
`;

const begin = async (run: string, text: string, resume = false, options: StartOptions = {}) => {
  await environment.start(run, text, resume, options);
  return environment.result(run).then(
    (result) => ({ result, error: '' }),
    (error: Error & { cause?: Error }) => ({ result: null, error: error.cause?.message ?? error.message }),
  );
};
const breaks = (name: string, ...shards: string[]) =>
  writeFile(join(folder, `${name}.broken`), shards.map((shard) => `${shard}\n`).join(''));
const measured = async (name: string) =>
  (await readFile(join(folder, `${name}.done`), 'utf8')).trim().split('\n').sort();
const statesOf = async (run: string) =>
  Object.fromEntries(
    ((await queryStatus(environment.client(), run))?.steps ?? []).map(({ id, state, reused, tolerated }) => [
      id,
      reused ? 'reused' : tolerated ? `${state}, tolerated` : state,
    ]),
  );

it('does each item once; after a failure and with the list in another order, only what is not done', async () => {
  await breaks('once', 'b');
  const { error } = await begin('once', pipeline('once', ['a', 'b', 'c']));
  expect(error).toContain('measure@shard=b: ');
  expect(error).toContain('b is broken');
  expect(await statesOf('once')).toEqual({
    split: 'done',
    'measure@shard=a': 'done',
    'measure@shard=b': 'failed',
    // Nothing can use it any more.
    'measure@shard=c': 'cancelled',
    sum: 'cancelled',
  });

  await breaks('once');
  const again = await begin('once', pipeline('once', ['d', 'c', 'b', 'a']), true);
  expect(again.result?.sum?.all).toEqual(['d!', 'c!', 'b!', 'a!']);
  expect(await measured('once')).toEqual(['a', 'b', 'b', 'c', 'd']);
  expect(await statesOf('once')).toMatchObject({ 'measure@shard=a': 'reused', 'measure@shard=b': 'done' });
});

it('goes on without what is tolerated, and says so wherever a run is looked at', async () => {
  await breaks('some', 'b');
  const text = pipeline('some', ['a', 'b', 'c'], 0.4);
  const { result } = await begin('some', text);
  expect(result?.sum?.all).toEqual(['a!', 'c!']);
  expect(await statesOf('some')).toMatchObject({ 'measure@shard=b': 'failed, tolerated', sum: 'done' });

  const handle = environment.client().client.workflow.getHandle('some');
  expect(await handle.query('__temporal_workflow_metadata')).toMatchObject({
    currentDetails: expect.stringContaining('**1 lost**, which the pipeline tolerates: measure@shard=b'),
  });
  const { stdout } = await runCommand(environment.home, ['status', 'some']);
  expect(stdout).toMatch(/measure@shard=b +run +failed \(tolerated\)/);
  expect(stdout).toMatch(/1 lost, which the pipeline tolerates:\n {2}measure@shard=b: .*exit code 3/);
  const { steps } = await gather(environment.store, 'some', { maps: false });
  expect(steps.find(({ step }) => step === 'measure@shard=b')).toMatchObject({ done: false, tolerated: true });

  await breaks('some');
  const { code, stderr } = await runCommand(environment.home, ['retry', 'some', 'measure@shard=b']);
  expect(stderr).toContain('Doing measure@shard=b of some again');
  expect(code).toBe(0);
  expect((await environment.result('some')).sum?.all).toEqual(['a!', 'b!', 'c!']);
  expect(await measured('some')).toEqual(['a', 'b', 'b', 'c']);
});

it('fails where more is lost than is tolerated', async () => {
  await breaks('many', 'a', 'b');
  const { error } = await begin('many', pipeline('many', ['a', 'b', 'c'], 1));
  expect(error).toContain('measure@shard=a: ');
  expect(error).toContain('measure@shard=b: ');
  expect(await statesOf('many')).toMatchObject({ sum: 'cancelled' });
});

it('takes what other runs did from the cache, whatever the order, and a plan shows what it will do', async () => {
  await breaks('cached');
  await begin('cached', pipeline('cached', ['a', 'b']));
  const cached = (fingerprint: string) => loadCacheEntry(environment.store, fingerprint);
  const outlookOf = async (shards: readonly string[]) => {
    const plan = parsePipeline({ text: pipeline('cached', shards), file: 'test.yaml' });
    return (await lookAhead(environment.store, plan, { cached })).steps.map(({ step, decision, reason }) => [
      step,
      decision,
      reason,
    ]);
  };
  expect(await outlookOf(['a', 'b'])).toEqual([
    ['split', 'reuse', 'from cached'],
    ['measure@shard=a', 'reuse', 'from cached'],
    ['measure@shard=b', 'reuse', 'from cached'],
    ['sum', 'reuse', 'from cached'],
  ]);
  expect((await outlookOf(['c', 'b', 'a'])).slice(1)).toEqual([
    ['measure', 'run', 'as many as split gives'],
    ['sum', 'run', 'after measure'],
  ]);
  await begin('cached-2', pipeline('cached', ['c', 'b', 'a']));
  expect(await measured('cached')).toEqual(['a', 'b', 'c']);
});

it('says of a list that is no good what is wrong with it, and what is allowed', async () => {
  const { error } = await begin('bad', pipeline('bad', ['a', 'a']));
  expect(error).toBe(
    'measure: The matrix goes over shards of step split, and that list has the same item twice, as 1 and 2: "a".',
  );
  expect(await statesOf('bad')).toEqual({ split: 'done', measure: 'failed', sum: 'cancelled' });
  expect((await runCommand(environment.home, ['status', 'bad'])).stdout).toContain('the same item twice');
});
