import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { queryStatus } from '../../cli/runs.ts';
import { loadPlan, loadRunRecord } from '../../store/index.ts';
import { runCommand, runForJson } from './command.ts';
import { startTestEnvironment, type TestEnvironment } from './environment.ts';

/** Schedules on the real server: what fires, what does not, and what the store knows of it. */
let environment: TestEnvironment;
let images: string;
let file: string;

beforeAll(async () => {
  environment = await startTestEnvironment();
  images = join(environment.home.folder, 'images');
  for (const [label, level] of [
    ['dark', 20],
    ['light', 200],
  ] as const)
    for (let index = 0; index < 12; index++) await addImage(label, index, level + index);
  file = join(environment.home.folder, 'nightly.yaml');
  await writeFile(file, pipeline());
}, 60_000);
afterAll(() => environment.stop(), 60_000);

async function addImage(label: string, index: number, level: number): Promise<void> {
  await mkdir(join(images, 'train', label), { recursive: true });
  const background = { r: level, g: level, b: 255 - level };
  const picture = sharp({ create: { width: 32, height: 32, channels: 3, background } });
  await picture.png().toFile(join(images, 'train', label, `${index}.png`));
}

const pipeline = () => `
name: nightly
params: { epochs: 1 }
steps:
  data: { uses: prepare-data, with: { dataset: image-folder, path: "${images}" } }
  pretrain:
    uses: pretrain
    needs: [data]
    with:
      encoder: { name: small-resnet, channels: 4, blocks: [1] }
      projection: { hidden: 8, output: 4 }
      augmentation: none
      batch: 4
      epochs: "\${params.epochs}"
`;

const triggered = z.object({ run: z.string().nullable(), skipped: z.string().optional() });
const contrail = (...args: string[]) => runForJson(environment.home, args);
const trigger = async (...args: string[]) => triggered.parse(await contrail('schedule', 'trigger', ...args));
const describeSchedule = async (id: string) =>
  z
    .object({
      paused: z.boolean(),
      next: z.array(z.string()),
      taken: z.number(),
      skippedForOverlap: z.number(),
      runs: z.array(z.object({ run: z.string(), state: z.string() })),
    })
    .parse(await contrail('schedule', 'describe', id));

async function runNow(id: string): Promise<string> {
  const { run } = await trigger(id);
  if (run === null) throw new Error('nothing was started');
  await ended(run);
  return run;
}

/** The run is a child of its firing, which starts it a moment later. */
async function ended(run: string): Promise<void> {
  while (!(await environment.store.exists(`runs/${run}/plan.json`))) await sleep(100);
  for (;;) {
    const known = await environment
      .client()
      .client.workflow.getHandle(run)
      .describe()
      .catch(() => null);
    if (known && known.status.name !== 'RUNNING') return;
    await sleep(200);
  }
}
/** When it starts next, once the server has taken up a change, or as it is after half a minute. */
async function nextOf(id: string, isTakenUp: (next: readonly string[]) => boolean): Promise<readonly string[]> {
  for (let tries = 1; ; tries++) {
    const { next } = await describeSchedule(id);
    if (isTakenUp(next) || tries === 30) return next;
    await sleep(1000);
  }
}
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const statesOf = async (run: string) =>
  Object.fromEntries((await queryStatus(environment.client(), run))?.steps.map(({ id, state }) => [id, state]) ?? []);

describe('a schedule', () => {
  it('is made from a pipeline, and says when it starts next', { timeout: 300_000 }, async () => {
    const made = await runCommand(environment.home, [
      ...['schedule', 'create', file, '--cron', '0 3 * * 1', '--timezone', 'Europe/Paris', '--paused'],
    ]);
    expect(made).toMatchObject({ code: 0, stderr: 'Made schedule nightly: 0 3 * * 1 (Europe/Paris)\n' });
    expect(await describeSchedule('nightly')).toMatchObject({ paused: true, next: [], runs: [] });
    await runCommand(environment.home, ['schedule', 'unpause', 'nightly']);
    const next = await nextOf('nightly', (times) => times.length > 0);
    expect(next).toHaveLength(5);
    for (const time of next) {
      const local = new Intl.DateTimeFormat('en', {
        timeZone: 'Europe/Paris',
        weekday: 'short',
        hour: 'numeric',
        hourCycle: 'h23',
      });
      expect(local.format(new Date(time))).toBe('Mon, 03');
    }
  });

  it('is not made twice, but can be replaced', { timeout: 300_000 }, async () => {
    const again = ['schedule', 'create', file, '--cron', '0 4 * * *'];
    expect(await runCommand(environment.home, again)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is a schedule nightly already'),
    });
    expect(await runCommand(environment.home, [...again, '--replace'])).toMatchObject({ code: 0 });
    const next = await nextOf('nightly', ([first]) => first?.includes('T04:') === true);
    expect(next[0]).toMatch(/T04:00:00/);
  });

  it('says what is wrong with it', { timeout: 300_000 }, async () => {
    const attempt = (...args: string[]) =>
      runCommand(environment.home, ['schedule', 'create', file, '--id', 'bad', ...args]);
    expect(await attempt()).toMatchObject({ code: 2, stderr: expect.stringContaining('say when') });
    expect(await attempt('--cron', 'whenever')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Temporal refused the schedule'),
    });
    expect(await attempt('--every', '1h', '--timezone', 'Mars/Base')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('not a time zone'),
    });
    expect(await attempt('--every', 'often')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('must be a duration'),
    });
  });

  it('starts a run like any other, with an id of its own', { timeout: 300_000 }, async () => {
    const run = await runNow('nightly');
    expect(run).toMatch(/^nightly-\d{8}-\d{6}$/);
    expect(await statesOf(run)).toEqual({ data: 'done', pretrain: 'done' });
    expect((await loadPlan(environment.store, run))?.name).toBe('nightly');
    expect(await loadRunRecord(environment.store, run)).toMatchObject({
      run,
      pipeline: 'nightly',
      params: { epochs: 1 },
      source: { text: pipeline() },
      schedule: { id: 'nightly' },
    });
    expect((await describeSchedule('nightly')).runs).toContainEqual(
      expect.objectContaining({ run, state: 'completed' }),
    );
    const list = z
      .array(z.object({ run: z.string() }))
      .parse(await contrail('list', '--query', `ContrailSchedule = 'nightly'`));
    expect(list.map((each) => each.run)).toEqual([run]);
  });

  it('starts nothing beside a run that is going on, unless it may', { timeout: 600_000 }, async () => {
    await contrail('schedule', 'create', file, '--id', 'slow', '--every', '24h', '--set', 'epochs=100000');
    const { run } = await trigger('slow');
    expect(await trigger('slow')).toEqual({ run: null, skipped: 'overlap' });
    expect((await describeSchedule('slow')).skippedForOverlap).toBe(1);
    const beside = await trigger('slow', '--overlap', 'allow-all');
    expect(beside.run).not.toBe(run);
    expect(await trigger('slow', '--set', 'epochs=1')).toEqual({ run: null, skipped: 'overlap' });
    const queued = await runCommand(environment.home, [
      ...['schedule', 'trigger', 'slow', '--set', 'epochs=1', '--overlap', 'buffer-one'],
    ]);
    expect(queued).toMatchObject({ code: 2, stderr: expect.stringContaining('Use --overlap allow-all') });
    for (const each of [run, beside.run]) {
      while (!(await environment.store.exists(`runs/${each}/plan.json`))) await sleep(100);
      await runCommand(environment.home, ['cancel', each ?? '', '--wait']);
    }
    expect((await describeSchedule('slow')).runs.map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
  });

  it('starts a run with params of its own, which the schedule does not keep', { timeout: 300_000 }, async () => {
    const { run } = await trigger('slow', '--set', 'epochs=2');
    await ended(run ?? '');
    expect(await statesOf(run ?? '')).toEqual({ data: 'done', pretrain: 'done' });
    expect(await loadRunRecord(environment.store, run ?? '')).toMatchObject({
      params: { epochs: 2 },
      schedule: { id: 'slow' },
    });
    expect(await contrail('schedule', 'describe', 'slow')).toMatchObject({ config: { params: { epochs: 100_000 } } });
    const mistaken = await runCommand(environment.home, ['schedule', 'trigger', 'slow', '--set', 'epoch=2']);
    expect(mistaken).toMatchObject({ code: 2, stderr: expect.stringContaining('epoch') });
  });

  it('does the past again, one run after the other', { timeout: 300_000 }, async () => {
    await contrail('schedule', 'create', file, '--id', 'daily', '--cron', '0 3 * * *', '--paused');
    const filled = await runCommand(environment.home, [
      ...['schedule', 'backfill', 'daily', '--from', '2026-01-01', '--to', '2026-01-03'],
    ]);
    expect(filled.code).toBe(0);
    for (const run of ['daily-20260101-030000', 'daily-20260102-030000']) await ended(run);
    const { runs } = await describeSchedule('daily');
    expect(runs.map(({ state }) => state)).toEqual(['completed', 'completed']);
  });

  it('is forgotten when it is deleted; its runs stay', { timeout: 300_000 }, async () => {
    await runCommand(environment.home, ['schedule', 'delete', 'daily']);
    const gone = await runCommand(environment.home, ['schedule', 'describe', 'daily']);
    expect(gone).toMatchObject({ code: 2, stderr: expect.stringContaining('There is no schedule daily') });
    expect(await loadPlan(environment.store, 'daily-20260101-030000')).not.toBeNull();
  });
});

describe('a schedule that runs only if the data changed', () => {
  it('ends at once on the same data, says why, and trains again on new data', { timeout: 300_000 }, async () => {
    await contrail('schedule', 'create', file, '--id', 'fresh', '--every', '24h', '--only-if-changed', 'data');
    const first = await runNow('fresh');
    expect(await statesOf(first)).toEqual({ data: 'done', pretrain: 'done' });
    await until(() => environment.store.exists('schedules/fresh/last-completed.json'));

    const second = await runNow('fresh');
    expect(await statesOf(second)).toEqual({ data: 'done', pretrain: 'skipped' });
    const status = await queryStatus(environment.client(), second);
    expect(status).toMatchObject({ state: 'done' });
    expect(status?.steps[1]?.note).toBe(`the data is that of ${first}`);

    await addImage('light', 99, 150);
    const third = await runNow('fresh');
    expect(await statesOf(third)).toEqual({ data: 'done', pretrain: 'done' });
  });

  it('runs again when what it does has changed', { timeout: 300_000 }, async () => {
    await contrail(
      'schedule',
      'create',
      file,
      '--id',
      'fresh',
      '--every',
      '24h',
      '--only-if-changed',
      'data',
      '--set',
      'epochs=2',
      '--replace',
    );
    expect(await statesOf(await runNow('fresh'))).toEqual({ data: 'done', pretrain: 'done' });
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(100);
}
