import { parseHTML } from 'linkedom';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { mean } from '../../evaluation/metrics/statistics.ts';
import { armsOf } from '../../report/arms.ts';
import { percent } from '../../report/format.ts';
import { renderReport } from '../../report/index.ts';
import { verdictOf } from '../../report/page/sections/comparison.ts';
import { standalone } from '../../report/plots/draw.ts';
import { drawAll } from '../../report/plots/index.ts';
import { wholeTicks } from '../../report/plots/training.ts';
import { searchesOf } from '../../report/searches.ts';
import { classes, complete, stripes } from './complete.ts';

const page = renderReport(complete, await stripes());
const { document } = parseHTML(page);
const textOf = (selector: string) => document.querySelector(selector)?.textContent ?? '';

describe('the page of a complete report', () => {
  it('has every section, each with a link to it', () => {
    const ids = [...document.querySelectorAll('main > section')].map(({ id }) => id);
    expect(ids).toEqual([
      'results',
      'models',
      'drift',
      'comparison',
      'sweeps',
      'training',
      'curves',
      'classes',
      'calibration',
      'embedding',
      'mistakes',
      'leaks',
      'retrieval',
      'robustness',
      'outliers',
      'data',
      'inspection',
      'run',
    ]);
    expect([...document.querySelectorAll('nav a')].map((link) => link.getAttribute('href'))).toEqual(
      ids.map((id) => `#${id}`),
    );
  });

  it('needs nothing from anywhere: no address, no file', () => {
    expect(page.replaceAll(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/https?:\/\//);
    expect(page).not.toMatch(/<link[^>]+stylesheet|<script[^>]+src=|<img|@import/);
  });

  it('shows what users named as text, never as markup', () => {
    expect(document.querySelectorAll('img, b[onerror], [onerror]')).toHaveLength(0);
    expect([...document.querySelectorAll('script')].map(({ textContent }) => textContent).join()).not.toContain(
      'alert(1)',
    );
    expect(page).not.toContain('</script><b>coat');
    for (const name of classes) expect(document.body.textContent).toContain(name);
    expect(Object.values(JSON.parse(textOf('#map-0')).classes)).toEqual(classes);
  });

  it('says the headline numbers of the better arm', () => {
    expect(textOf('.tiles')).toMatch(/91\.\d\d\s%test accuracy, supcon/);
    expect(textOf('.tiles')).toContain('4restarts survived');
  });

  it('says what searches find where nothing was evaluated', () => {
    const searched = renderReport({ ...complete, evaluations: [] }, new Map());
    const tiles = parseHTML(searched).document.querySelector('.tiles')?.textContent ?? '';
    const ofArm = searchesOf(complete.retrieval)[0]?.found.filter(({ arm }) => arm === 'supcon') ?? [];
    const recalls = ofArm.map(({ retrieval }) => retrieval.recallAt.find(({ k }) => k === 1)?.value ?? 0);
    expect(recalls.length).toBeGreaterThan(1);
    expect(tiles).toContain(`${percent(mean(recalls))}recall at 1, supcon`);
    expect(tiles).not.toContain('test accuracy');
  });

  it('shows the arms side by side, not the runs one after another', () => {
    const tables = [...document.querySelectorAll('#classes .confusion')];
    expect(tables).toHaveLength(2);
    // Three runs of 13 each.
    expect(tables[0]?.querySelector('tbody td')?.textContent).toMatch(/^39/);
    expect(document.querySelectorAll('#embedding .map')).toHaveLength(2);
  });

  it('marks restarts and resumes on the loss, and tells them', () => {
    expect(
      document.querySelectorAll('[data-plot="loss-supcon"] [aria-label="rule"] line').length,
    ).toBeGreaterThanOrEqual(2);
    expect(textOf('#training')).toContain('restarted in epoch 4, by one pid 12');
    expect(textOf('#training')).toContain('resumed in epoch 9, by two pid 7');
    expect(textOf('#training')).toContain('optimizer.learningRate: 0.2 → 0.1');
  });

  it('names the loss of each training, where a report of before has it by the kind of the step', () => {
    expect(textOf('#training table')).toContain('ArcFace');
    expect(textOf('#training table')).toContain('cross-entropy');
  });

  it('says what is missing', () => {
    expect(textOf('.warning')).toContain('1 of 2 steps is not done: notify');
    expect(textOf('.warning')).toContain('no answer from <host>');
    expect(textOf('.warning')).toContain('another version');
  });

  it('says of each model whether it was promoted, why, and on how many images', () => {
    const said = textOf('#models').replaceAll(/\s+/g, ' ');
    expect(said).toContain('shirts: not promoted; version 3 stays');
    expect(said).toContain('top1 0.88, and version 3 has 0.9, on 50 test images that neither has seen');
    for (const row of ['test images compared50', 'one of them has seen10', 'the difference−0.1000 to +0.0600'])
      expect(said).toContain(row);
  });

  it('draws the trials of a search, and has them in a table, the best first', () => {
    const said = textOf('#sweeps').replaceAll(/\s+/g, ' ');
    expect(said).toContain('60 trials (random, 3 seeds each), 180 epochs, 1 h 30 min of computing.');
    expect(said).toContain('The winner is trial 59: learningRate ');
    expect(said).toContain('probe.validationTop1 0.909 ± 0.0123.');
    expect(said).toContain('<b>other</b>');
    expect(document.querySelectorAll('#sweeps figure [aria-label="line"]')).toHaveLength(60);
    expect(document.querySelectorAll('#sweeps figure [stroke-dasharray]')).toHaveLength(1);
    // A phone does not shrink it until nothing can be read.
    expect(document.querySelector('#sweeps .scroll > figure.as-drawn')).not.toBeNull();
    const rows = [...document.querySelectorAll('#sweeps tbody tr')];
    expect(rows).toHaveLength(50);
    expect(rows[0]?.querySelectorAll('.best').length).toBeGreaterThan(1);
    expect(said).toContain('The other 10 are in report.json');
    // Text is text.
    expect(document.querySelectorAll('#sweeps td b, #sweeps td i, #sweeps p i')).toHaveLength(0);
  });

  it('accounts for the files of the data, with every rejected one and what may mislead', () => {
    for (const said of ['found85', 'used72', 'rejected8', 'left behind by macOS, ignored5', 'train/<b>coat/7.png'])
      expect(textOf('#data')?.replaceAll(/\s+/g, ' ')).toContain(said);
    expect(textOf('#data')).toContain('test/a.png is train/<i>b.png');
    expect(document.querySelectorAll('#data b, #data i')).toHaveLength(0);
    expect(textOf('.warning')).toContain('3 of 60 test images are exact copies of train images');
  });

  it('shows what is odd about the data, in pictures, and how much of it is not shown', () => {
    const section = document.querySelector('#inspection');
    const said = textOf('#inspection').replaceAll(/\s+/g, ' ');
    for (const each of [
      'Looked at: 10 train, 60 test',
      '1 class has less than a tenth of the median',
      'testtrainnear duplicates3',
      'Blank images, which were compared for equality only: 2',
      '41 labels that 5 classifiers doubt, each of images that it did not see; they find',
      'Images that are alone in their class, which cannot be judged: 1',
      '1 image is far from all others of its class',
      '<i>train</i>/4.png',
    ])
      expect(said).toContain(each);
    // Two pairs, 36 of 40 suspects, one outlier.
    expect(section?.querySelectorAll('.picture')).toHaveLength(4 + 36 + 1);
    // A pair that has two labels stands out.
    expect(section?.querySelectorAll('.differ .picture')).toHaveLength(2);
    const shownAt = (label: string) => section?.querySelector(`[aria-label="${label}"]`)?.getAttribute('style');
    expect(shownAt('<i>test</i>/9.png')).toContain('--sheet-0');
    // Nobody gave the page the picture of this one.
    expect(shownAt('<i>train</i>/4.png')).not.toContain('--sheet');
  });

  it('shows test images that leak beside the training image, and what is measured with and without them', () => {
    const section = document.querySelector('#leaks');
    const said = textOf('#leaks').replaceAll(/\s+/g, ' ');
    expect(said).toContain('the same pixelstest');
    expect(said).toMatch(/measure-supcon@seed=0without12–9\d\.\d\d % of 639\d\.\d\d % of 60/);
    // All evaluations are of the same images, so the pairs are shown once.
    expect(section?.querySelectorAll('.pairs .picture')).toHaveLength(4);
    expect(section?.querySelectorAll('.differ .picture')).toHaveLength(2);
    const shownAt = (label: string) => section?.querySelector(`[aria-label="${label}"]`)?.getAttribute('style');
    expect(shownAt('<i>test</i>/7.png')).toContain('--sheet-0');
    expect(shownAt('<i>train</i>/9.png')).toContain('--sheet-1');
    expect(textOf('#results')).toContain('accuracy with images that leak');
    for (const note of [
      '3 of 63 test images leak, as duplicates of training images: 1 exact copy, 2 near duplicates.',
      'All measures are without leaks: with them accuracy is',
    ])
      expect(textOf('#results')).toContain(note);
  });

  it('has a point for each image of each map', () => {
    for (const stage of document.querySelectorAll('.stage'))
      expect(stage.querySelectorAll('[data-point]')).toHaveLength(60);
  });
});

it('is still a page where nothing has been done yet', () => {
  const empty = {
    ...complete,
    data: [],
    inspections: [],
    drifts: [],
    promotions: [],
    sweeps: [],
    trainings: [],
    evaluations: [],
    robustness: [],
    retrieval: [],
    outliers: [],
    curves: [],
    comparisons: [],
  };
  const { document } = parseHTML(renderReport(empty, new Map()));
  expect([...document.querySelectorAll('main > section')].map(({ id }) => id)).toEqual(['run']);
});

describe('a verdict', () => {
  const { comparison } = complete.comparisons[0] as (typeof complete.comparisons)[number];
  const [main] = comparison.measures;
  const withMain = (change: object) => ({
    ...comparison,
    measures: [{ ...main, ...change } as NonNullable<typeof main>],
  });

  it('names the better arm and by how much', () =>
    expect(verdictOf(comparison)).toBe(
      'supcon is better than baseline in top-1 accuracy: a difference of +1.00 percentage points over 3 pairs (supcon − baseline: 95 % interval +0.60 to +1.40).',
    ));

  it('shows no difference where the interval covers 0', () =>
    expect(
      verdictOf(withMain({ verdict: 'none shown', difference: { mean: 0.001, interval: [-0.01, 0.012] } })),
    ).toMatch(/^No difference .* is shown/));

  it('shows no difference from one run each', () =>
    expect(verdictOf(withMain({ verdict: 'none shown', difference: { mean: 0.1, interval: null } }))).toMatch(
      /may be chance. No difference is shown.$/,
    ));
});

describe('the drawings', () => {
  const drawings = drawAll(complete, armsOf(complete));

  it('are all there', () =>
    expect([...drawings.keys()]).toEqual(
      expect.arrayContaining([
        'loss-supcon',
        'rate-baseline',
        'confusion-supcon',
        'map-umap-supcon',
        'map-pca-baseline',
        'reliability',
        'curve-probe',
        'retrieval-recall',
        'retrieval-pairs',
        'robustness-jpeg',
        'roc-softmax',
        'comparison-compare',
        'comparison-compare-classes',
      ]),
    ));

  it('are SVG files without a variable of the page, and become pictures', async () => {
    for (const { name, svg } of drawings.values()) {
      const file = standalone(svg);
      expect(file, name).not.toMatch(/var\(|currentColor|NaN|undefined/);
      const { width, channels } = await sharp(Buffer.from(file)).metadata();
      expect(width, name).toBeGreaterThan(200);
      expect(channels).toBeGreaterThanOrEqual(3);
    }
  });

  it('put ticks on whole epochs', () => {
    expect(wholeTicks(1, 3)).toEqual([1, 2, 3]);
    expect(wholeTicks(1, 100)).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    expect(wholeTicks(1, 1)).toEqual([1]);
  });
});
