import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codeReader } from '../../cli/outlook/changed-files.ts';
import { lookAhead } from '../../cli/outlook/outlook.ts';
import { openPipelineFile } from '../../cli/pipeline-file.ts';
import { queryStatus, startRun } from '../../cli/runs.ts';
import { loadCacheEntry, readRunLog } from '../../store/index.ts';
import { startTestEnvironment, type TestEnvironment } from './environment.ts';

let environment: TestEnvironment;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-own-steps-'));
  process.env.TEST_TOKEN = 'correct-horse-battery';
  environment = await startTestEnvironment(['--own-steps']);
});
afterAll(async () => {
  await environment.stop();
  await rm(folder, { recursive: true, force: true });
});

const begin = async (run: string, file: string) => {
  const pipeline = await openPipelineFile(file);
  const plan = pipeline.plan({});
  await pipeline.code.store(environment.store);
  await startRun(environment.client(), environment.store, run, plan, false, { source: pipeline.source() });
};
const statesOf = async (run: string) =>
  Object.fromEntries(
    ((await queryStatus(environment.client(), run))?.steps ?? []).map(({ id, state, reused }) => [
      id,
      reused ? 'reused' : state,
    ]),
  );
const until = async (isTrue: () => boolean | Promise<boolean>) => {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 100));
};
const pipelineFile = async (name: string, text: string) => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

it('draws, cleans and trains on images by steps of your own, and does again what follows an edited file', async () => {
  const pipelines = join(folder, 'pipelines');
  await cp(fileURLToPath(new URL('../../pipelines', import.meta.url)), pipelines, { recursive: true });
  const file = join(pipelines, 'own-steps.yaml');
  await begin('first', file);
  const { draw, dedupe, clean, data, evaluate } = await environment.result('first');
  expect([draw?.images, dedupe?.copies, clean?.kept]).toEqual([198, 24, 171]);
  expect(data?.counts).toMatchObject({ train: expect.any(Number) });
  expect(evaluate?.top1).toBeGreaterThan(0.4);
  const { lines } = await readRunLog(environment.store, 'first');
  expect(lines.filter(({ source }) => source === 'program').map(({ message }) => message)).toContain(
    'drew 198 images of 3 shapes',
  );

  await appendFile(join(pipelines, 'steps/digests.ts'), '// edited\n');
  const pipeline = await openPipelineFile(file);
  const cached = (fingerprint: string) => loadCacheEntry(environment.store, fingerprint);
  const codeFiles = codeReader(environment.store, pipeline.code);
  const outlook = await lookAhead(environment.store, pipeline.plan({}), { cached, codeFiles });
  expect(outlook.steps[1]).toMatchObject({
    decision: 'run',
    reason: 'steps/digests.ts changed (against first)',
  });
  await begin('second', file);
  await environment.result('second');
  // What it made is what it made before, so nothing after it is done again.
  expect(await statesOf('second')).toMatchObject({
    draw: 'reused',
    dedupe: 'done',
    clean: 'reused',
    evaluate: 'reused',
  });
});

it('trains on data sets that a program and a step of your own made', async () => {
  const beside = join(folder, 'made');
  await cp(fileURLToPath(new URL('../../pipelines/steps', import.meta.url)), join(beside, 'steps'), {
    recursive: true,
  });
  await writeFile(
    join(beside, 'steps/waves.ts'),
    `import { createDatasetWriter } from 'contrail/dataset';
import { defineStep } from 'contrail/define';
export default defineStep({
  outputs: { waves: 'dataset' },
  run: async ({ outputs }) => {
    const writer = createDatasetWriter(outputs.waves, { classes: ['a', 'b'] });
    for (let index = 0; index < 80; index++) {
      const pixels = Uint8Array.from({ length: 1024 }, (_, at) => (index % 2 === 0 ? at : at / 32) * (3 + index / 40));
      await writer.add({ class: index % 2 === 0 ? 'a' : 'b', pixels, height: 32, width: 32, channels: 1 });
    }
    await writer.finish();
  },
});
`,
  );
  const small = `encoder: { name: small-resnet, channels: 8, blocks: [1, 1] }, projection: { hidden: 16, output: 8 },
      batch: 16, epochs: 1`;
  await writeFile(
    join(beside, 'made.yaml'),
    `name: made
steps:
  draw:
    uses: run
    with:
      command: [python3, steps/draw.py, --out, "\${outputs.shapes}", --images, "20"]
      outputs: { shapes: { dataset: shapes } }
  waves: { uses: ./steps/waves.ts }
  on-shapes:
    uses: pretrain
    needs: [draw]
    with: { ${small} }
  on-waves:
    uses: pretrain
    needs: [waves]
    with: { ${small} }
  probe: { uses: linear-probe, needs: [on-waves], with: { epochs: 2, batch: 16 } }
  evaluate: { uses: evaluate, needs: [probe] }
`,
  );
  await begin('made', join(beside, 'made.yaml'));
  const results = await environment.result('made');
  expect(results.draw?.shapes).toMatchObject({ kind: 'dataset' });
  expect(results['on-shapes']?.encoder).toMatchObject({ kind: 'encoder' });
  expect(results.evaluate?.top1).toEqual(expect.any(Number));
});

/** Every text in a history, those in payloads too. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

it('does a step once whose worker is killed, and leaves no secret anywhere', async () => {
  const log = join(folder, 'attempts');
  const file = await pipelineFile(
    'slow.yaml',
    `name: slow
steps:
  slow:
    uses: run
    with:
      command: ['echo "$CONTRAIL_ATTEMPT $TEST_TOKEN"; echo "$CONTRAIL_ATTEMPT" >> "$LOG"; sleep 6.125; echo done >> "$LOG"; echo {} > "$CONTRAIL_RESULT"']
      shell: true
      env: { LOG: ${log} }
      passEnv: [TEST_TOKEN]
`,
  );
  await begin('killed', file);
  await until(() => existsSync(log));
  await environment.killWorker();
  await environment.result('killed');
  expect((await readFile(log, 'utf8')).trim().split('\n')).toEqual(['1', '2', 'done']);
  expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain('sleep 6.125');
  const home = environment.home.folder;
  const holding = execFileSync('sh', ['-c', 'grep -rl "correct-horse" "$0" || true', home], { encoding: 'utf8' });
  expect(holding).toBe('');
  const history = await environment.client().client.workflow.getHandle('killed').fetchHistory();
  // With keys not even the name can be read.
  expect(textsIn(history).join('').includes('TEST_TOKEN')).toBe(process.env.CONTRAIL_PAYLOAD_KEYS === undefined);
  expect(textsIn(history).join('')).not.toContain('correct-horse');
});

it('says how often a step was tried that failed in the end', async () => {
  const file = await pipelineFile(
    'refused.yaml',
    `name: refused
steps:
  refused:
    uses: run
    with: { command: ['test "$CONTRAIL_ATTEMPT" -ge 2 && exit 9; exit 1'], shell: true, noRetry: [9] }
`,
  );
  await begin('refused', file);
  await expect(environment.result('refused')).rejects.toThrow();
  const [step] = (await queryStatus(environment.client(), 'refused'))?.steps ?? [];
  expect(step).toMatchObject({ state: 'failed', attempts: 2, error: { type: 'ProgramRefused' } });
});

it('leaves no process of a run that is cancelled', async () => {
  const log = join(folder, 'cancelled');
  const file = await pipelineFile(
    'endless.yaml',
    `name: endless
steps:
  endless: { uses: run, with: { command: ['sleep 1234.5 & touch "$LOG"; wait'], shell: true, env: { LOG: ${log} } } }
`,
  );
  await begin('cancelled', file);
  await until(() => existsSync(log));
  await environment.client().client.workflow.getHandle('cancelled').cancel();
  await expect(environment.result('cancelled')).rejects.toThrow();
  await until(() => !execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).includes('sleep 1234.5'));
});

it('is not done by a worker that was not told to', async () => {
  const without = await startTestEnvironment();
  try {
    const file = await pipelineFile(
      'plain.yaml',
      'name: plain\nsteps:\n  one: { uses: run, with: { command: ["true"] } }\n',
    );
    const plan = (await openPipelineFile(file)).plan({});
    await startRun(without.client(), without.store, 'plain', plan, false, {});
    await expect(without.result('plain')).rejects.toThrow();
    const status = await queryStatus(without.client(), 'plain');
    expect(JSON.stringify(status)).toContain('contrail worker --own-steps');
  } finally {
    await without.stop();
  }
});
