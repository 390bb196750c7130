import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { recordedDevServer } from '../../cli/dev-record.ts';
import { loadStepResults, reportFolder } from '../../store/index.ts';
import { withFolder } from '../folder.ts';
import { withServices } from '../temporal.ts';
import { smallResnet } from '../workloads.ts';
import { writePictureFolder } from './picture-folder.ts';
import { sampleProcesses } from './process-samples.ts';
import { sizesOf } from './sizes.ts';

const sizes = [1000, 10_000, 20_000];
/** The growth that is allowed between the last two sizes, which are twice apart. */
const mostGrowth = 2.5;

/** A step of a run on so many classes. */
export interface ManyClassesRow {
  readonly step: string;
  readonly classes: number;
  readonly images: number;
  readonly seconds: number;
  /** Of worker and trainer while the step ran. */
  readonly processorSeconds: number;
  /** The most resident memory of the worker and of the step's trainer while the step ran, in MiB. */
  readonly workerMebibytes: number;
  readonly trainerMebibytes: number;
  /** Of the step's result, as it is sent to Temporal. */
  readonly resultBytes: number;
  /** Of processor time and memory, against half as many classes; null for a size that is not twice another. */
  readonly timeGrowth: number | null;
  readonly memoryGrowth: number | null;
  readonly ok: boolean;
}

/**
 * A pipeline on ever more classes of two to four pictures each, from the folder to the report: whether time and memory grow with
 * the classes, and not with their square. Each size has a server, a worker and a store of its own.
 *
 * @param only the size that is run, where it names one
 */
export async function benchManyClasses(only: string): Promise<ManyClassesRow[]> {
  const rows: ManyClassesRow[] = [];
  for (const classes of sizesOf(sizes, only)) rows.push(...withGrowth(await measure(classes), rows));
  return rows;
}

type Measured = Omit<ManyClassesRow, 'timeGrowth' | 'memoryGrowth' | 'ok'>;

const measure = (classes: number): Promise<Measured[]> =>
  withFolder(async (folder) => {
    const path = join(folder, 'pictures');
    const images = await writePictureFolder(path, { classes, picturesOf: (label) => 2 + (label % 3), side: 32 });
    return withServices(async ({ home, store, run }) => {
      const name = `many-classes-${classes}`;
      const samples = sampleProcesses(recordedDevServer(home)?.worker ?? 0, name);
      try {
        await run(name, pipelineOn(path));
        const results = await loadStepResults(store, name);
        const page = await stat(store.locate(`${reportFolder(name)}/report.html`));
        process.stderr.write(`report.html of ${classes} classes: ${page.size} bytes\n`);
        return stepNames.map((step) => {
          const { result, seconds = 0, finishedAt = '' } = results[step] ?? {};
          const end = Date.parse(finishedAt);
          const { workerPeak, trainersPeak, processorSeconds } = samples.between(end - 1000 * seconds, end);
          return {
            step,
            classes,
            images,
            seconds,
            processorSeconds,
            workerMebibytes: Math.round(workerPeak),
            trainerMebibytes: Math.round(trainersPeak),
            resultBytes: Buffer.byteLength(JSON.stringify(result ?? {})),
          };
        });
      } finally {
        samples.stop();
      }
    });
  });

const withGrowth = (measured: readonly Measured[], before: readonly ManyClassesRow[]): ManyClassesRow[] =>
  measured.map((row) => {
    const half = before.find(({ step, classes }) => step === row.step && 2 * classes === row.classes);
    if (!half) return { ...row, timeGrowth: null, memoryGrowth: null, ok: true };
    const timeGrowth = row.processorSeconds / half.processorSeconds;
    const of = ({ workerMebibytes, trainerMebibytes }: Measured) => workerMebibytes + trainerMebibytes;
    const memoryGrowth = of(row) / of(half);
    return { ...row, timeGrowth, memoryGrowth, ok: Math.max(timeGrowth, memoryGrowth) <= mostGrowth };
  });

/** JSON is YAML. */
const pipelineOn = (path: string): string => JSON.stringify({ name: 'many-classes', steps: stepsOn(path) });

const stepsOn = (path: string) => ({
  data: { uses: 'prepare-data', with: { dataset: 'image-folder', path } },
  pretrain: {
    uses: 'pretrain',
    needs: ['data'],
    with: {
      encoder: smallResnet(8, [1, 1, 1]),
      projection: { hidden: 32, output: 16 },
      batch: 128,
      epochs: 1,
      sampler: { balanced: { perClass: 2 } },
    },
  },
  probe: { uses: 'linear-probe', needs: ['pretrain'], with: { epochs: 10, learningRates: [0.01] } },
  evaluate: { uses: 'evaluate', needs: ['probe'] },
  // After the evaluation, so that no two steps share the processor.
  retrieval: { uses: 'retrieval', needs: ['pretrain', 'evaluate'] },
  report: { uses: 'report', needs: ['retrieval'] },
});
const stepNames = Object.keys(stepsOn(''));
