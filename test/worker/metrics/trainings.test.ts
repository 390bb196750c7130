import { describe, expect, it } from 'vitest';
import type { TrainerJob } from '../../../contracts/trainer.ts';
import type { RunOptions, TrainerHost } from '../../../training/host.ts';
import { watchTrainings } from '../../../worker/metrics/watch-trainings.ts';
import { metricsOf } from './metrics-of.ts';

/** Trainers that do what a test says, in place of processes. */
function hostThat(work: (job: TrainerJob, options: RunOptions) => Promise<unknown>) {
  const closed: string[] = [];
  const host: TrainerHost = {
    run: (job, _, options) => work(job, options) as never,
    close: async ({ run, step }) => void closed.push(`${run}/${step}`),
    closeAll: async () => {},
  };
  return { host, closed };
}

function watched(work: (job: TrainerJob, options: RunOptions) => Promise<unknown>) {
  const metrics = metricsOf();
  const { host, closed } = hostThat(work);
  const watching = watchTrainings(host, metrics.instruments, metrics, metrics.pipelineOf);
  const progress: unknown[] = [];
  const options = {
    signal: new AbortController().signal,
    stallTimeoutMs: 1000,
    onProgress: (each: unknown) => void progress.push(each),
  };
  const train = (run: string, epoch: number, job: 'train-epoch' | 'finish-training' = 'train-epoch') =>
    watching.run(job, { run, step: 'pretrain@seed=1', epoch, config: { epochs: 9 } } as never, options);
  return { ...metrics, ...{ watching, train, progress, closed } };
}

const of = (run: string) => `pipeline="pipeline-of-${run}",run="${run}",step="pretrain@seed=1"`;
const counted = 'pipeline="pipeline-of-one",step="pretrain"';
const step = (done: number, loss: number | null) => ({
  ...{ phase: 'epoch 3', done, total: 10, unit: 'steps' as const, loss, imagesPerSecond: 320 },
});
const done = { metrics: { loss: 3.25 } };

describe('a training', () => {
  it('shows its epoch, loss, rate and time of a step while it goes on, and passes all on', async () => {
    const { train, lines, progress } = watched(async (_, { onProgress }) => {
      onProgress({ phase: 'opening', done: 0, total: 1, unit: 'steps' });
      onProgress(step(1, 4.5));
      await new Promise((resolve) => setTimeout(resolve, 40));
      onProgress(step(3, 4.25));
      return done;
    });
    await train('one', 3);
    const shown = await lines('contrail_training_', 'contrail_epochs_total');
    expect(shown.filter((line) => !line.includes('step_seconds'))).toEqual([
      `contrail_training_epoch{${of('one')}} 3`,
      `contrail_training_epochs{${of('one')}} 9`,
      `contrail_training_loss{${of('one')}} 4.25`,
      `contrail_training_epoch_loss{${of('one')}} 3.25`,
      `contrail_training_images_per_second{${of('one')}} 320`,
      `contrail_epochs_total{${counted}} 1`,
    ]);
    const seconds = Number(shown.find((line) => line.includes('step_seconds'))?.split(' ')[1]);
    expect(seconds).toBeGreaterThan(0.015);
    expect(progress).toHaveLength(3);
  });

  it('shows a loss that is no number as one', async () => {
    const { train, lines } = watched(async (_, { onProgress }) => {
      onProgress(step(1, null));
      return done;
    });
    await train('one', 3);
    expect(await lines('contrail_training_loss')).toEqual([`contrail_training_loss{${of('one')}} Nan`]);
  });

  it('shows since when it has no newer checkpoint, and counts those that were written', async () => {
    const { train, lines } = watched(async (_, { onTraining }) => {
      onTraining?.({ type: 'opened', takenOver: true, from: '2026-11-27T12:00:00.000Z' });
      return done;
    });
    await train('one', 3);
    const since = Date.parse('2026-11-27T12:00:00.000Z') / 1000;
    expect(await lines('contrail_training_last', 'contrail_lease', 'contrail_checkpoint')).toEqual([
      `contrail_training_last_checkpoint_timestamp_seconds{${of('one')}} ${since}`,
      `contrail_lease_takeovers_total{${counted}} 1`,
    ]);

    const before = Date.now() / 1000;
    const other = watched(async (_, { onTraining }) => {
      onTraining?.({ type: 'opened', takenOver: false, from: null });
      onTraining?.({ type: 'checkpoint', bytes: 500, seconds: 0.5 });
      onTraining?.({ type: 'checkpoint', bytes: 700, seconds: 0.25 });
      return done;
    });
    await other.train('one', 1);
    const [time = '', ...rest] = await other.lines(
      'contrail_training_last',
      'contrail_training_check',
      'contrail_ch',
      'contrail_le',
    );
    expect(Number(time.split(' ')[1])).toBeGreaterThanOrEqual(before);
    expect(rest).toEqual([
      `contrail_training_checkpoint_bytes{${of('one')}} 700`,
      `contrail_checkpoint_seconds_sum{${counted}} 0.75`,
      `contrail_checkpoint_seconds_count{${counted}} 2`,
      `contrail_checkpoint_bytes_total{${counted}} 1200`,
      `contrail_lease_takeovers_total{${counted}} 0`,
    ]);
  });

  it('leaves no series of its own once its trainer is closed, and keeps what was counted', async () => {
    const { train, lines, watching, closed } = watched(async (_, { onTraining }) => {
      onTraining?.({ type: 'checkpoint', bytes: 500, seconds: 0.5 });
      return done;
    });
    await train('one', 3);
    await train('two', 3);
    await watching.close({ run: 'one', step: 'pretrain@seed=1' });
    const own = await lines('contrail_training_');
    expect(own.length).toBeGreaterThan(3);
    expect(own.filter((line) => !line.includes('run="two"'))).toEqual([]);
    expect(await lines('contrail_epochs_total')).toHaveLength(2);
    expect(closed).toEqual(['one/pretrain@seed=1']);
  });

  it('keeps its series between epochs, and loses them after minutes without one', async () => {
    const { train, lines, live } = watched(async () => done);
    const failing = watched(() => Promise.reject(new Error('a trainer died')));
    await train('one', 3);
    expect(await lines('contrail_training_epoch_loss')).toHaveLength(1);
    await expect(failing.train('one', 3)).rejects.toThrow('a trainer died');
    expect(await failing.lines('contrail_training_epochs')).toHaveLength(1);
    for (const each of [live, failing.live]) each.dropIdle(-1);
    expect([...(await lines('contrail_training_')), ...(await failing.lines('contrail_training_'))]).toEqual([]);
  });

  it('has none of its own for jobs that train nothing', async () => {
    const { watching, lines } = watched(async () => ({}));
    const options = { signal: new AbortController().signal, stallTimeoutMs: 1, onProgress: () => {} };
    await watching.run('sample-views', { run: 'one', step: 'pretrain' } as never, options);
    expect(await lines('contrail_training_', 'contrail_epochs')).toEqual([]);
  });
});
