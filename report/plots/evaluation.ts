import * as Plot from '@observablehq/plot';
import { type Confusion, confusionOf, shownConfusion } from '../../contracts/confusion.ts';
import { count, times } from '../../contracts/counted.ts';
import type { Arm } from '../arms.ts';
import { ifMeasured, percent } from '../format.ts';
import { armColour, type Drawing, draw, grid, ink, muted } from './draw.ts';

/** Share of right answers by confidence; on the diagonal they agree. */
export function drawReliability(arms: readonly Arm[]): Drawing | null {
  const points = arms.flatMap(({ name, index, reliability }) =>
    reliability.flatMap(({ confidence, accuracy, images }) =>
      confidence === null || accuracy === null ? [] : [{ name, index, confidence, accuracy, images }],
    ),
  );
  if (points.length === 0) return null;
  const most = Math.max(...points.map(({ images }) => images));
  const calibration = arms
    .map(({ name, calibrationError }) => `${name} ${ifMeasured(calibrationError, percent)}`)
    .join(', ');
  return draw(
    {
      name: 'reliability',
      title: 'Reliability',
      description: `Accuracy by confidence. Expected calibration error: ${calibration}.`,
    },
    {
      height: 380,
      x: { label: 'confidence', domain: [0, 1], tickFormat: '.0%' },
      y: { label: 'accuracy', domain: [0, 1], tickFormat: '.0%' },
      r: { range: [0, 11], domain: [0, most] },
      marks: [
        Plot.gridY({ stroke: grid, strokeOpacity: 1 }),
        Plot.line(
          [
            [0, 0],
            [1, 1],
          ],
          { stroke: muted, strokeDasharray: '2 4' },
        ),
        Plot.text(['as sure as right'], { x: 0.27, y: 0.27, rotate: -37, dy: -8, fill: muted }),
        Plot.line(points, {
          x: 'confidence',
          y: 'accuracy',
          z: 'name',
          stroke: ({ index }) => armColour(index),
          strokeWidth: 1.5,
        }),
        Plot.dot(points, {
          x: 'confidence',
          y: 'accuracy',
          r: 'images',
          fill: ({ index }) => armColour(index),
          fillOpacity: 0.75,
          stroke: 'var(--card)',
        }),
      ],
      color: { type: 'identity' },
    },
  );
}

/** Above so many classes, only those that are confused most are drawn. */
const wholeMatrix = 50;
const partOfMatrix = 30;
const longestName = 24;

/**
 * The confusion matrix, as a file of its own; the page has it as a table.
 *
 * @param confusion its cells, or the whole matrix, rows true classes
 */
export function drawConfusion(
  arm: string,
  classes: readonly string[],
  confusion: Confusion | readonly (readonly number[])[],
): Drawing {
  const whole = 'cells' in confusion ? confusion : confusionOf(confusion);
  const { shown, counts, totals } = shownConfusion(whole, wholeMatrix, partOfMatrix);
  const cells = counts.flatMap((row, label) => {
    const total = totals[label] ?? 0;
    return row.map((value, predicted) => ({ label, predicted, value, share: total === 0 ? 0 : value / total }));
  });
  const nameOf = (place: unknown) => {
    const name = [...(classes[shown[Number(place)] ?? -1] ?? String(place))];
    return name.length <= longestName ? name.join('') : `${name.slice(0, 12).join('')}…${name.slice(-11).join('')}`;
  };
  const left = classes.length - shown.length;
  const size = Math.max(320, Math.min(900, 44 * shown.length));
  return draw(
    {
      name: `confusion-${arm}`,
      title: `Confusion: ${arm}`,
      description: `Rows are true classes, columns predictions; the shade is the share of the row.${left === 0 ? '' : ` Only the ${shown.length} classes that are confused most; ${times(left, 'other')} ${left === 1 ? 'is' : 'are'} left out.`}`,
    },
    {
      width: size + 130,
      height: size + 110,
      marginLeft: 100,
      marginTop: 90,
      marginBottom: 10,
      padding: 0.04,
      x: {
        axis: 'top',
        label: null,
        tickFormat: nameOf,
        tickRotate: -45,
        tickSize: 0,
        domain: shown.map((_, at) => at),
      },
      y: { label: null, tickFormat: nameOf, tickSize: 0, domain: shown.map((_, at) => at) },
      marks: [
        Plot.cell(cells, {
          x: 'predicted',
          y: 'label',
          fill: 'var(--heat)',
          fillOpacity: ({ share }) => 0.03 + 0.97 * share,
        }),
        ...(shown.length > 25
          ? []
          : [
              Plot.text(cells, {
                x: 'predicted',
                y: 'label',
                text: ({ value }) => (value === 0 ? '' : count(value)),
                fill: ({ share }) => (share > 0.5 ? 'white' : ink),
              }),
            ]),
      ],
      color: { type: 'identity' },
    },
  );
}
