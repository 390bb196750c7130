import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { artifactRefSchema } from '../../contracts/artifacts.ts';
import { embeddingFile } from '../../contracts/evaluation.ts';
import { runProgram } from '../../native/programs.ts';
import {
  decodeSafetensors,
  float32,
  loadEpochMetrics,
  readArtifactFile,
  type Store,
  tensorboardFolder,
} from '../../store/index.ts';
import { pythonEnvironment } from '../python-environment.ts';
import { withServices } from '../temporal.ts';
import { pipelineOf } from '../training-run.ts';
import { smallResnet } from '../workloads.ts';

export interface TensorboardRow {
  readonly compared: string;
  /** Numbers, settings or points. */
  readonly count: number;
  readonly differing: number;
  readonly ok: boolean;
}

const readingSchema = z.record(
  z.string(),
  z.object({
    scalars: z.record(z.string(), z.array(z.tuple([z.int(), z.number()]))),
    images: z.record(z.string(), z.array(z.tuple([z.int(), z.int(), z.int()]))),
    hparams: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
    status: z.int().nullable(),
    points: z.tuple([z.int(), z.int()]).optional(),
    sum: z.number().optional(),
    labels: z.int().optional(),
  }),
);

const epochs = 3;
const run = 'tensorboard';

/** The Python that TensorBoard is read with. */
export const tensorboardEnvironment = (): Promise<string> =>
  pythonEnvironment('tensorboard', fileURLToPath(new URL('requirements.txt', import.meta.url)), ['tensorboard']);

/** What TensorBoard reads of a run, against what the store has of it. */
export async function benchTensorboard(python: string): Promise<TensorboardRow[]> {
  return withServices(async ({ store, run: runPipeline }) => {
    const training = {
      images: 300,
      parameters: { encoder: smallResnet(8), batch: 32, epochs, loss: { supcon: { temperature: 0.1 } } },
    };
    const probe = { uses: 'linear-probe', needs: ['pretrain'], with: { epochs: 10, learningRates: [0.01] } };
    const evaluate = { uses: 'evaluate', needs: ['probe'] };
    const results = await runPipeline(run, pipelineOf(training, { probe, evaluate }));
    const script = fileURLToPath(new URL('read.py', import.meta.url));
    const printed = await runProgram(python, [script, store.locate(tensorboardFolder(run))]);
    return compare(store, readingSchema.parse(JSON.parse(printed)), results);
  });
}

async function compare(
  store: Store,
  { pretrain, evaluate }: z.infer<typeof readingSchema>,
  results: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Promise<TensorboardRow[]> {
  if (!pretrain || !evaluate) throw new Error('TensorBoard found no pretrain or no evaluate');
  const row = (compared: string, pairs: readonly (readonly [unknown, unknown])[]): TensorboardRow => {
    const differing = pairs.filter(([ours, theirs]) => !Object.is(ours, theirs)).length;
    return { compared, count: pairs.length, differing, ok: differing === 0 && pairs.length > 0 };
  };
  const metrics = await loadEpochMetrics(store, { run, step: 'pretrain' });
  const series = (tag: string, of: (line: (typeof metrics)[number]) => number) =>
    metrics.flatMap((line, at) => {
      const [step, value] = pretrain.scalars[tag]?.[at] ?? [];
      return [[line.epoch, step] as const, [Math.fround(of(line)), value] as const];
    });
  const embedding = decodeSafetensors(
    await readArtifactFile(store, artifactRefSchema.parse(results.evaluate?.evaluation), embeddingFile),
  ).tensors.get('embedding');
  if (!embedding) throw new Error('the evaluation has no embedding');
  const sum = float32(embedding).reduce((total, value) => total + value, 0);
  const top1 = evaluate.scalars['test/top-1 accuracy']?.[0] ?? [];
  return [
    row(
      'loss, epoch by epoch',
      series('loss', ({ loss }) => loss),
    ),
    row(
      'learning rate, epoch by epoch',
      series('learning rate', ({ learningRate }) => learningRate),
    ),
    row('settings', [
      [32, pretrain.hparams.batch],
      [epochs, pretrain.hparams.epochs],
      ['small-resnet', pretrain.hparams['encoder.name']],
      [0.1, pretrain.hparams['loss.supcon.temperature']],
      [1, pretrain.status],
    ]),
    row('top-1 accuracy', [
      [epochs, top1[0]],
      [Math.fround(Number(results.evaluate?.top1)), top1[1]],
    ]),
    row('views of the training', [
      ['0,256,96', (pretrain.images['training/images and their views']?.[0] ?? []).join()],
    ]),
    row(
      'pictures of the evaluation',
      ['test/confusion matrix', 'test/worst mistakes'].map((tag) => {
        const [step, width, height] = evaluate.images[tag]?.[0] ?? [];
        return [[epochs, true].join(), [step, Number(width) > 0 && Number(height) > 0].join()] as const;
      }),
    ),
    row('points of the projector', [
      [embedding.shape.join(), evaluate.points?.join()],
      [true, Math.abs((evaluate.sum ?? Number.NaN) - sum) <= 1e-6 * Math.abs(sum)],
      [embedding.shape[0], evaluate.labels],
    ]),
  ];
}
