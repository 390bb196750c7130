import { openCheckpoints, type Store } from '../store/index.ts';
import { median } from './statistics.ts';
import { withServices } from './temporal.ts';
import { pipelineOf, prepareData, type SmallTraining, trainInProcess } from './training-run.ts';

export interface OverheadRow {
  readonly epochs: string;
  /** Seconds from one epoch's checkpoint to the next one's, medians. */
  readonly without: number;
  readonly withTemporal: number;
  /** Milliseconds between two epochs, medians: from the end of the last step to the first of the next, checkpoint included. */
  readonly pauseWithout: number;
  readonly pauseWithTemporal: number;
  /** What Temporal adds to an epoch, in milliseconds and as a share: the difference of the pauses. */
  readonly added: number;
  readonly share: number;
  /** Seconds from the start to the encoder: preparing the data, every epoch, finishing. */
  readonly totalWithout: number;
  readonly totalWithTemporal: number;
  readonly ok: boolean;
}

const limits = { milliseconds: 100, share: 0.01 };
const longEpochSeconds = 8;

const trainings = [
  { name: 'about 1 s', images: 1800, encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] }, batch: 64 },
  { name: 'about 10 s', images: 4200, encoder: { name: 'small-resnet', channels: 16, blocks: [2, 2, 2] }, batch: 128 },
];

/**
 * The same training twice: through a Temporal server and a worker, and by the trainer process alone. Server and worker run
 * before the clock starts, as they do for every run but the first. The limits are 100 ms an epoch, and 1 % of epochs that
 * take about 10 s.
 *
 * @param turns epochs that are counted; the first, which captures the step, is not
 */
export async function benchOverhead(turns: number): Promise<OverheadRow[]> {
  return withServices(async ({ home, store, run }) => {
    const rows: OverheadRow[] = [];
    for (const [index, { name, images, encoder, batch }] of trainings.entries()) {
      const parameters = { encoder, batch, epochs: turns + 1, checkpoint: { keep: { last: 1000 } } };
      const training: SmallTraining = { images, parameters };
      const totalWithout = await seconds(async () => {
        const dataset = await prepareData(store, images, home.cacheFolder);
        await trainInProcess(home.storeUrl, `alone-${index}`, dataset, parameters);
      });
      const totalWithTemporal = await seconds(() => run(`temporal-${index}`, pipelineOf(training)));
      const [alone, through] = [await epochsOf(store, `alone-${index}`), await epochsOf(store, `temporal-${index}`)];
      const added = through.pause - alone.pause;
      const share = added / 1000 / alone.seconds;
      rows.push({
        epochs: name,
        without: alone.seconds,
        withTemporal: through.seconds,
        pauseWithout: alone.pause,
        pauseWithTemporal: through.pause,
        added,
        share,
        totalWithout,
        totalWithTemporal,
        ok: added < limits.milliseconds && (alone.seconds < longEpochSeconds || share < limits.share),
      });
    }
    return rows;
  });
}

/** From the checkpoints of a training: how long its epochs took, and how much of that was not training. */
async function epochsOf(store: Store, run: string): Promise<{ readonly seconds: number; readonly pause: number }> {
  const manifests = (await openCheckpoints(store, { run, step: 'pretrain' }).list())
    .map(({ manifest }) => manifest)
    .filter(({ step }) => step === 0);
  const intervals = manifests.slice(1).map(({ createdAt, metrics }, index) => {
    const whole = (Date.parse(createdAt) - Date.parse(manifests[index]?.createdAt ?? '')) / 1000;
    return { whole, pause: (whole - (metrics?.seconds ?? Number.NaN)) * 1000 };
  });
  return { seconds: median(intervals.map(({ whole }) => whole)), pause: median(intervals.map(({ pause }) => pause)) };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
