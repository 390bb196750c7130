import { detectorNames } from '../../../contracts/outliers.ts';
import type { Report } from '../../../contracts/report.ts';
import { corruptionNames } from '../../../contracts/robustness.ts';
import { pointAtTarget } from '../../../evaluation/comparison/epochs-to-target.ts';
import { mean } from '../../../evaluation/metrics/statistics.ts';
import type { Arm } from '../../arms.ts';
import { duration, meanAndDeviation, percent } from '../../format.ts';
import type { Drawing } from '../../plots/draw.ts';
import { html } from '../html.ts';
import { armLabel, armRow, byArm, card, figuresOf, legend, n, type Section, table } from '../parts.ts';

/** What an epoch must reach, as a share of the best of all curves. */
const targetShare = 0.98;

/** How soon an encoder is good. */
export function curvesSection(
  report: Report,
  arms: readonly Arm[],
  drawings: ReadonlyMap<string, Drawing>,
): Section | null {
  if (report.curves.length === 0) return null;
  const shown = arms.filter(({ name }) => report.curves.some(({ arm }) => arm === name));
  const best = Math.max(...report.curves.flatMap(({ curve }) => curve.points.map(({ probe }) => probe)));
  const target = targetShare * best;
  const rows = report.curves.map(({ step, arm, curve }) => {
    const reached = pointAtTarget(curve, target);
    const last = curve.points.at(-1);
    return [
      armLabel({ name: step, index: arms.find(({ name }) => name === arm)?.index ?? 0 }),
      n(last ? percent(last.probe) : '–'),
      n(last ? percent(last.knn) : '–'),
      n(reached ? String(reached.epoch) : 'not reached'),
      n(reached ? duration(reached.seconds) : '–'),
    ] as const;
  });
  return {
    id: 'curves',
    heading: 'Learning curves',
    lead: 'How good the frozen encoder was after some of the epochs, on validation images.',
    body: html`<div class="grid">${figuresOf(drawings, ['curve-probe', 'curve-knn']).map((figure) =>
      card(html`${legend(shown)}${figure}`),
    )}</div><div class="card" style="margin-top:14px">${table(
      `Epochs and time to a probe accuracy of ${percent(target)} (${percent(targetShare, 0)} of the best)`,
      ['curve', 'last probe', 'last neighbours', 'epochs to target', 'time to target'],
      rows,
    )}</div>`,
  };
}

/** What spoilt images cost. @param comparable whether all were measured on the same test images; else none is the best */
export function robustnessSection(
  report: Report,
  arms: readonly Arm[],
  drawings: ReadonlyMap<string, Drawing>,
  comparable = true,
): Section | null {
  if (report.robustness.length === 0) return null;
  const shown = arms.filter(({ name }) => report.robustness.some(({ arm }) => arm === name));
  const own = (arm: Arm) =>
    report.robustness.filter((each) => each.arm === arm.name).map(({ robustness }) => robustness);
  const valuesOf = (arm: Arm, name: string) =>
    own(arm).flatMap(({ corruptions }) =>
      corruptions.filter((each) => each.name === name).map(({ accuracy }) => mean(accuracy)),
    );
  const textOf = (values: readonly number[]) => (values.length === 0 ? '–' : meanAndDeviation(values, percent));
  const row = (name: string, values: readonly (readonly number[])[]) => armRow(name, values, textOf, { comparable });
  const rows = [
    row(
      'as they are',
      shown.map((arm) => own(arm).map(({ clean }) => clean)),
    ),
    ...corruptionNames
      .filter((name) => shown.some((arm) => valuesOf(arm, name).length > 0))
      .map((name) =>
        row(
          name.replaceAll('-', ' '),
          shown.map((arm) => valuesOf(arm, name)),
        ),
      ),
    row(
      'mean of all',
      shown.map((arm) => own(arm).map(({ mean: all }) => all)),
    ),
  ];
  return {
    id: 'robustness',
    heading: 'Robustness',
    lead: 'Accuracy on test images that are spoilt, by severity from 0 (as they are) to 5.',
    body: html`${card(
      html`${legend(shown)}<div class="grid small">${figuresOf(
        drawings,
        corruptionNames.map((name) => `robustness-${name}`),
      )}</div>`,
    )}<div class="card" style="margin-top:14px">${byArm('Mean accuracy over the severities', shown.map(armLabel), rows)}</div>`,
  };
}

/** Whether foreign images are noticed. */
export function outliersSection(
  report: Report,
  arms: readonly Arm[],
  drawings: ReadonlyMap<string, Drawing>,
): Section | null {
  const [first] = report.outliers;
  if (!first) return null;
  const shown = arms.filter(({ name }) => report.outliers.some(({ arm }) => arm === name));
  const outside = [...new Set(report.outliers.map(({ outliers }) => outliers.outside))];
  const rows = outside.flatMap((name) =>
    detectorNames.flatMap((detector) => {
      const cells = shown.flatMap((arm) => {
        const found = report.outliers
          .filter((each) => each.arm === arm.name && each.outliers.outside === name)
          .flatMap(({ outliers }) => outliers.detectors.filter((each) => each.name === detector));
        return found.length === 0
          ? [n('–'), n('–')]
          : [
              n(
                meanAndDeviation(
                  found.map(({ auroc }) => auroc),
                  percent,
                ),
              ),
              n(
                meanAndDeviation(
                  found.map(({ falsePositivesAt95 }) => falsePositivesAt95),
                  percent,
                ),
              ),
            ];
      });
      return [[`${detector.replaceAll('-', ' ')}${outside.length > 1 ? `, ${name}` : ''}`, ...cells] as const];
    }),
  );
  const head = [
    'score',
    ...shown.flatMap((arm) => [
      html`${armLabel(arm)} AUROC`,
      html`${shown.length > 1 ? armLabel(arm) : null} FPR at 95 %`,
    ]),
  ];
  return {
    id: 'outliers',
    heading: 'Out of distribution',
    lead: `How well images of ${outside.join(' and ')} are told from those of ${first.outliers.dataset}. 50 % is chance, 100 % perfect; FPR at 95 % is the share of foreign images that pass where 95 % of the known ones do.`,
    body: html`${card(
      html`${legend(shown)}<div class="grid third">${figuresOf(
        drawings,
        detectorNames.map((name) => `roc-${name}`),
      )}</div>`,
    )}<div class="card" style="margin-top:14px">${table('Area under the ROC curve', head, rows)}</div>`,
  };
}
