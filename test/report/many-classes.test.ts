import fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { summarise, summariseAll } from '../../cli/summary.ts';
import {
  addConfusions,
  confusedPairs,
  confusionOf,
  confusionSchema,
  shownConfusion,
} from '../../contracts/confusion.ts';
import { type Evaluation, evaluationSchema } from '../../contracts/evaluation.ts';
import { type Report, reportSchema } from '../../contracts/report.ts';
import { compareArms } from '../../evaluation/comparison/compare-arms.ts';
import { confusionMatrix, macroF1, mostConfused, perClassMetrics } from '../../evaluation/metrics/classification.ts';
import { armsOf } from '../../report/arms.ts';
import { renderReport } from '../../report/index.ts';
import { formatEvaluation } from '../../report/markdown/evaluation.ts';
import { drawConfusion } from '../../report/plots/evaluation.ts';
import { drawAll } from '../../report/plots/index.ts';
import { complete } from './complete.ts';

/** An evaluation of many classes with some images each, of which every fifth is taken for the next class. */
function evaluationOf(classes: number, images = 4, nameOf = (label: number) => `sku-${label}`): Evaluation {
  const labels = Int32Array.from({ length: classes * images }, (_, row) => Math.floor(row / images));
  const predicted = labels.map((label, row) => (row % 5 === 0 ? (label + 1) % classes : label));
  const confusion = confusionMatrix(labels, predicted, classes);
  const perClass = perClassMetrics(confusion);
  const names = Array.from({ length: classes }, (_, label) => nameOf(label));
  const [first] = complete.evaluations;
  if (!first) throw new Error('the complete report has evaluations');
  return evaluationSchema.parse({
    ...first.evaluation,
    classes: names,
    testImages: labels.length,
    top1: 0.8,
    macroF1: macroF1(perClass),
    perClass,
    confusion,
    worst: [],
    mostConfused: mostConfused(confusion, 5).map(({ a, b, count }) => ({ a: names[a], b: names[b], count, rows: [] })),
  });
}

const reportOf = (evaluation: Evaluation): Report => {
  const [first] = complete.evaluations;
  return reportSchema.parse({
    ...complete,
    trainings: [],
    robustness: [],
    outliers: [],
    curves: [],
    comparisons: [],
    evaluations: [{ ...first, evaluation, map: null }],
  });
};

describe('a confusion', () => {
  const matrices = fc
    .integer({ min: 1, max: 6 })
    .chain((size) =>
      fc.array(fc.array(fc.nat(3), { minLength: size, maxLength: size }), { minLength: size, maxLength: size }),
    );

  it('holds what its matrix holds, also where an earlier version wrote the matrix', () => {
    fc.assert(
      fc.property(matrices, (matrix) => {
        const confusion = confusionSchema.parse(matrix);
        expect(confusionSchema.parse(JSON.parse(JSON.stringify(confusion)))).toEqual(confusion);
        expect(shownConfusion(confusion, matrix.length, 0).counts).toEqual(matrix);
        expect(addConfusions([confusion, confusion], matrix.length)).toEqual(
          confusionOf(matrix.map((row) => row.map((value) => 2 * value))),
        );
        const pairs = matrix.flatMap((row, a) =>
          row.flatMap((_, b) => {
            const count = (matrix[a]?.[b] ?? 0) + (matrix[b]?.[a] ?? 0);
            return b > a && count > 0 ? [{ a, b, count }] : [];
          }),
        );
        expect(confusedPairs(confusion)).toEqual(pairs.sort((x, y) => y.count - x.count || x.a - y.a || x.b - y.b));
      }),
    );
  });

  it('of many classes shows those of the most confused pairs, and the images of their rows', () => {
    const { confusion } = evaluationOf(2000);
    const { shown, counts, totals } = shownConfusion(confusion, 50, 30);
    expect(shown).toHaveLength(30);
    expect(new Set(totals)).toEqual(new Set([4]));
    expect(counts.flat().reduce((sum, value) => sum + value, 0)).toBeGreaterThan(90);
  });

  it('without a mistake shows some of its classes', () =>
    expect(shownConfusion({ classes: 100, cells: [[7, 7, 2]] }, 50, 30)).toEqual({
      shown: [7],
      counts: [[2]],
      totals: [2],
    }));
});

describe('what is shown of 2,000 classes', () => {
  const evaluation = evaluationOf(2000);

  it('is small: the matrix grows with the images, and the rest with the classes', () => {
    expect(evaluation.confusion.cells.length).toBeLessThanOrEqual(2 * 8000);
    expect(JSON.stringify(evaluation).length).toBeLessThan(500_000);
    expect(formatEvaluation(evaluation).length).toBeLessThan(20_000);
  });

  it('is a page of less than 2 MB that says what it leaves out', () => {
    const report = reportOf(evaluation);
    const page = renderReport(report, new Map(), drawAll(report, armsOf(report)));
    expect(page.length).toBeLessThan(500_000);
    const { document } = parseHTML(page);
    expect(document.querySelectorAll('#classes .confusion tbody tr')).toHaveLength(30);
    expect(document.querySelector('#classes')?.textContent).toContain('1\u202f970 others are left out');
    expect(document.querySelector('#classes')?.textContent).toContain('The 50 classes with the lowest F1');
  });

  it('has in the map the names of the classes that its points are of, or are taken for', () => {
    const points = [3, 700, 1999].map((label, row) => ({
      row,
      label,
      predicted: label === 700 ? 5 : label,
      confidence: 0.5,
      pca: [row, row],
      umap: null,
      neighbours: [],
    }));
    const [own] = reportOf(evaluation).evaluations;
    const report = reportSchema.parse({ ...reportOf(evaluation), evaluations: [{ ...own, map: { seed: 0, points } }] });
    const { document } = parseHTML(renderReport(report, new Map()));
    const { classes } = JSON.parse(document.querySelector('#map-0')?.textContent ?? '');
    expect(classes).toEqual({ 3: 'sku-3', 5: 'sku-5', 700: 'sku-700', 1999: 'sku-1999' });
  });

  it('is a drawing of the most confused, also of a whole matrix', () => {
    const matrix = Array.from({ length: 400 }, (_, a) => Array.from({ length: 400 }, (_, b) => Number(a === b)));
    const { svg, description } = drawConfusion(
      'evaluate',
      matrix.map((_, at) => `sku-${at}`),
      matrix,
    );
    expect(svg.match(/<rect/g)?.length).toBe(30 * 30);
    expect(description).toContain('370 others are left out');
  });

  it('is in the terminal the pairs that are confused most, and how many more there are', () => {
    const text = summarise(evaluation);
    expect(text.split('\n').length).toBeLessThan(20);
    expect(text).toContain('Most confused: sku-0 and sku-1');
    expect(text).toMatch(/1\s\d{3} more pairs of classes were confused/);
  });
});

it('arms on thousands of other classes are refused in a few lines', () => {
  const armOf = (name: string, evaluation: Evaluation) => ({
    name,
    evaluations: [evaluation],
    robustness: [],
    outliers: [],
    retrievals: [],
    curves: [],
  });
  const other = evaluationOf(2000, 4, (label) => `other-${label}`);
  const compared = () => compareArms(armOf('a', evaluationOf(2000)), armOf('b', other), null);
  expect(compared).toThrow('were not made with the same settings');
  expect(compared).toThrow(/^.{1,1000}$/s);
});

describe('odd names in the terminal', () => {
  it('have short rows, and headings that differ', () => {
    const names = [`dress-${'x'.repeat(240)}`, 'dress-long-red', 'dress-long-blue', 'two\nlines', '衬衫', '<b>&'];
    const text = summarise(evaluationOf(6, 5, (label) => names[label] ?? ''));
    const lines = text.split('\n');
    for (const line of lines) expect(line.length).toBeLessThan(140);
    const head =
      lines
        .find((line) => line.includes('dres'))
        ?.trim()
        .split(/\s+/) ?? [];
    expect(new Set(head).size).toBe(6);
    expect(text).toContain('two\\nlines');
  });

  it('are text in Markdown', () => {
    const names = ['<img src=x onerror=alert(1)>', 'a|b\n# heading\n[x](javascript:alert(4))'];
    const text = formatEvaluation(evaluationOf(2, 5, (label) => names[label] ?? ''));
    expect(text).not.toMatch(/(?<!\\)<img|^# heading|(?<!\\)\[x/m);
  });
});

it('what was not measured is said, and is not 0', () => {
  const { geometry, ...rest } = evaluationOf(3, 1);
  const unmeasured = evaluationSchema.parse({
    ...rest,
    top5: null,
    geometry: {
      images: 3,
      queries: 0,
      pairs: { within: 0, between: 3 },
      alignment: null,
      uniformity: geometry.uniformity,
      intra: null,
      inter: 1,
      silhouette: null,
      recallAt1: null,
      recallAt: [{ k: 1, value: null }],
      rPrecision: null,
      mapAtR: null,
    },
  });
  const markdown = formatEvaluation(unmeasured);
  expect(markdown).toContain('| recall at 1 | not measured |');
  expect(markdown).toContain('no class has two test images');
  expect(summarise(unmeasured)).toContain('no class has two test images');
  const page = parseHTML(renderReport(reportOf(unmeasured), new Map())).document;
  expect(page.querySelector('#results')?.textContent).toContain('silhouettenot measured');
  expect(page.querySelector('#results')?.textContent).toContain('no class has two test images');
});

it('a run of several evaluations ends with a line each, by the step that made it; of one with all of it', () => {
  const evaluation = evaluationOf(3);
  const found = ['probe-a', 'probe-b'].map((step, at) => ({
    step,
    evaluation: { ...evaluation, top1: 0.8 - at / 10 },
  }));
  const lines = summariseAll(found).split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/^probe-a +80\.00 % .* 12 *$/);
  expect(lines[2]).toMatch(/^probe-b +70\.00 % /);
  expect(summariseAll([{ step: 'probe', evaluation }])).toBe(summarise(evaluation));
});
