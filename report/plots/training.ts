import * as Plot from '@observablehq/plot';
import type { TrainingReport } from '../../contracts/report.ts';
import type { Arm } from '../arms.ts';
import { figure } from '../format.ts';
import { armColour, type Drawing, draw, grid, ink, muted } from './draw.ts';

type Measure = 'loss' | 'learningRate' | 'imagesPerSecond';
const titles: Readonly<Record<Measure, string>> = {
  loss: 'Loss',
  learningRate: 'Learning rate',
  imagesPerSecond: 'Images per second',
};

/** One measure of the trainings of an arm by epoch; where a process was replaced, a line stands. */
export function drawTraining(
  arm: string,
  index: number,
  trainings: readonly TrainingReport[],
  measure: Measure,
): Drawing {
  const points = trainings.flatMap(({ variant, epochs }) =>
    epochs.map((epoch) => ({ variant, epoch: epoch.epoch, value: epoch[measure] })),
  );
  // Trainings of a matrix may differ in their loss.
  const collapsed =
    measure === 'loss' ? [...new Set(trainings.flatMap(({ epochs }) => epochs[0]?.collapsedLoss ?? []))] : [];
  const marks = trainings.flatMap(({ interruptions }) =>
    interruptions.flatMap(({ epoch, kind }) => (epoch === null ? [] : [{ x: epoch - 0.5, kind }])),
  );
  const last = points.at(-1);
  const lastEpoch = Math.max(1, ...trainings.map(({ plannedEpochs }) => plannedEpochs));
  const title = `${titles[measure]}: ${arm}`;
  const description = last
    ? `${titles[measure]} by epoch; ${figure(last.value)} after epoch ${last.epoch}.`
    : 'No epoch has ended yet.';
  return draw(
    {
      name: `${{ loss: 'loss', learningRate: 'learning-rate', imagesPerSecond: 'rate' }[measure]}-${arm}`,
      title,
      description,
    },
    {
      height: measure === 'loss' ? 290 : 180,
      x: {
        label: 'epoch',
        domain: [Math.min(1, ...marks.map(({ x }) => x)), lastEpoch === 1 ? 2 : lastEpoch],
        ticks: wholeTicks(1, lastEpoch),
        tickFormat: wholeOnly,
      },
      y: { label: null, nice: true, ticks: measure === 'loss' ? 6 : 4, tickFormat: figureOf, zero: measure !== 'loss' },
      marks: [
        Plot.gridY({ stroke: grid, strokeOpacity: 1, ticks: measure === 'loss' ? 6 : 4 }),
        ...collapsed.flatMap((value) => [
          Plot.ruleY([value], { stroke: muted, strokeDasharray: '2 4' }),
          Plot.text([`collapsed: ${figure(value)}`], {
            x: lastEpoch === 1 ? 2 : lastEpoch,
            y: value,
            dy: -7,
            textAnchor: 'end',
            fill: muted,
          }),
        ]),
        Plot.ruleX(marks, { x: 'x', stroke: ink, strokeDasharray: '5 3', strokeOpacity: 0.7 }),
        Plot.dot(marks, {
          x: 'x',
          frameAnchor: 'top',
          symbol: marks.map(({ kind }) => (kind === 'resume' ? 'square' : 'triangle')) as never,
          fill: ink,
          r: 4,
          dy: -6,
        }),
        Plot.line(points, {
          x: 'epoch',
          y: 'value',
          z: 'variant',
          stroke: armColour(index),
          strokeWidth: 2,
          strokeOpacity: trainings.length > 1 ? 0.75 : 1,
        }),
        ...(points.length <= 60 ? [Plot.dot(points, { x: 'epoch', y: 'value', fill: armColour(index), r: 2.5 })] : []),
      ],
    },
  );
}

/** Some whole numbers from the first to the last, as far apart as 1, 2, 5, 10 and so on. */
export function wholeTicks(first: number, last: number): number[] {
  const wanted = (last - first) / 10;
  const scale = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, wanted))));
  const step = [1, 2, 5, 10].map((factor) => factor * scale).find((each) => each >= wanted) ?? 1;
  const begin = step === 1 ? first : Math.ceil(first / step) * step;
  return Array.from({ length: Math.floor((last - begin) / step) + 1 }, (_, at) => begin + at * step);
}

export const wholeOnly = (value: unknown): string => (Number.isInteger(value) ? String(value) : '');
export const figureOf = (value: unknown): string => figure(Number(value));

/** The losses of several arms over each other, a drawing for each loss: losses have no common scale. */
export function drawOverlay(
  trainings: readonly TrainingReport[],
  arms: readonly Pick<Arm, 'name' | 'index'>[],
): Drawing[] {
  const groups = new Map<string, { uses: string; loss: string | undefined; of: TrainingReport[] }>();
  for (const training of trainings) {
    if (training.epochs.length === 0) continue;
    const { uses, loss } = training;
    const group = groups.get(`${uses} ${loss}`) ?? { uses, loss, of: [] };
    group.of.push(training);
    groups.set(`${uses} ${loss}`, group);
  }
  return [...groups.values()].map(({ uses, loss, of }) => {
    const points = of.flatMap(({ arm, step, epochs }) => {
      const index = arms.find(({ name }) => name === arm)?.index ?? 0;
      return epochs.map(({ epoch, loss }) => ({ line: `${arm} ${step}`, arm, index, epoch, loss }));
    });
    return draw(
      {
        name: ['loss', uses, ...(loss === undefined ? [] : [loss])].join('-'),
        title: `Loss: ${loss ?? uses}`,
        description: 'Loss by epoch of every training by this loss.',
      },
      {
        height: 290,
        x: {
          label: 'epoch',
          ticks: wholeTicks(1, Math.max(...points.map(({ epoch }) => epoch))),
          tickFormat: wholeOnly,
        },
        y: { label: null, nice: true, tickFormat: figureOf },
        color: { type: 'identity' },
        marks: [
          Plot.gridY({ stroke: grid, strokeOpacity: 1 }),
          Plot.line(points, {
            x: 'epoch',
            y: 'loss',
            z: 'line',
            stroke: ({ index }) => armColour(index),
            strokeWidth: 2,
          }),
          Plot.dot(points, { x: 'epoch', y: 'loss', fill: ({ index }) => armColour(index), r: 2.5 }),
        ],
      },
    );
  });
}
