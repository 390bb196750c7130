import { count } from '../../../contracts/counted.ts';
import { duplicateKinds } from '../../../contracts/inspection.ts';
import type { EvaluationReport } from '../../../contracts/report.ts';
import type { Arm } from '../../arms.ts';
import { ifMeasured, percent } from '../../format.ts';
import { hasLeaks } from '../../leaks-note.ts';
import type { Pictures } from '../../pictures.ts';
import { type Html, html } from '../html.ts';
import { card, n, type Section, table } from '../parts.ts';
import { pairsByKind } from './duplicate-pairs.ts';

/** The test images that show what a training image shows, beside it, and what is measured with and without them. */
export function leaksSection(arms: readonly Arm[], pictures: Pictures): Section | null {
  const leaking = arms.flatMap(({ evaluations }) => evaluations).filter(({ evaluation }) => hasLeaks(evaluation));
  if (leaking.length === 0) return null;
  return {
    id: 'leaks',
    heading: 'Leaks',
    lead: 'Test images that show what a training image shows: a model may know them by heart. A dash is a kind that was not looked for.',
    body: html`${card(table('Measures with and without them', head, leaking.map(rowOf), { firstNumeric: 2 }))}${firstOfEach(
      leaking,
    ).map((each) => pairsOf(each, pictures))}`,
  };
}

const head = ['step', 'measured', 'exact', 'near', 'embedding', 'accuracy with leaks', 'without leaks'];

function rowOf({ step, evaluation: { leaks, all, clean } }: EvaluationReport) {
  const kinds = duplicateKinds.map((kind) => n(typeof leaks?.[kind] === 'number' ? count(leaks[kind]) : '–'));
  const text = (measured: typeof all) => n(`${ifMeasured(measured?.top1, percent)} of ${count(measured?.images ?? 0)}`);
  return [
    step,
    { text: leaks?.policy === 'keep' ? 'with' : 'without', n: false },
    ...kinds,
    text(all),
    text(clean),
  ] as const;
}

/** Evaluations on one data set show the same pairs, unless they looked for other kinds. */
function firstOfEach(evaluations: readonly EvaluationReport[]): EvaluationReport[] {
  const found = new Map<string, EvaluationReport>();
  for (const each of evaluations) {
    const key = JSON.stringify([each.dataset, each.evaluation.leaks?.pairs]);
    if (!found.has(key)) found.set(key, each);
  }
  return [...found.values()].filter(({ evaluation }) => (evaluation.leaks?.pairs.length ?? 0) > 0);
}

const pairsOf = ({ dataset, step, evaluation: { classes, leaks } }: EvaluationReport, pictures: Pictures): Html =>
  html`<div class="card" style="margin-top:14px"><h3>${step}</h3>${pairsByKind(dataset, classes, leaks?.pairs ?? [], pictures)}</div>`;
