import { parseHTML } from 'linkedom';
import { expect, it } from 'vitest';
import type { SweepReport } from '../../contracts/report.ts';
import { drawSweep } from '../../report/plots/sweep.ts';

const sweep: SweepReport = {
  ...{ step: 'sweep', search: 'random', seeds: 1, goal: 'highest', objective: 'probe.validationTop1', rungs: null },
  ...{ isAsynchronous: false, wanted: 2, isOver: true, deviation: null, epochs: 2, seconds: 1 },
  over: { blocks: { linear: [1, 4], whole: true }, learningRate: { log: [0.001, 1] }, rotation: { linear: [0, 0.2] } },
  trials: [
    { trial: 0, parameters: { blocks: 1, learningRate: 0.001, rotation: 0 }, rungs: [{ epochs: null, value: 0.5 }] },
    { trial: 1, parameters: { blocks: 4, learningRate: 1, rotation: 0.2 }, rungs: [{ epochs: null, value: 0.25 }] },
  ],
};
const { document } = parseHTML(drawSweep(sweep).svg);
const texts = [...document.querySelectorAll('text')].map(({ textContent }) => textContent);

it('a drawing of trials names whole numbers alone on an axis of whole numbers, and powers of ten on one of magnitudes', () => {
  expect(texts).toEqual(expect.arrayContaining(['1', '4', '0.01', '0.1', '0.2']));
  expect(texts).not.toContain('2.5');
});

it('has both ends of every range at the ends of its axis, and room for each name', () => {
  const heights = [...document.querySelectorAll('[aria-label="line"] path')].map((path) =>
    [...(path.getAttribute('d') ?? '').matchAll(/,(-?[\d.]+)/g)].map(([, y]) => Number(y)),
  );
  const [worse = [], best = []] = heights;
  expect(new Set(worse.slice(0, 3)).size).toBe(1);
  expect(new Set(best.slice(0, 3)).size).toBe(1);
  expect(Math.abs((best[0] ?? 0) - (worse[0] ?? 0))).toBeGreaterThan(250);
  const [, width] = /viewBox="0 0 (\d+)/.exec(drawSweep(sweep).svg) ?? [];
  expect(Number(width)).toBeGreaterThanOrEqual(4 * 112);
});
