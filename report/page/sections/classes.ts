import type { Arm } from '../../arms.ts';
import { count, meanAndDeviation, percent } from '../../format.ts';
import type { Drawing } from '../../plots/draw.ts';
import { mean } from '../../statistics.ts';
import { type Html, html } from '../html.ts';
import { armLabel, card, figureOf, legend, n, type Section, table } from '../parts.ts';

/** Confusion matrices side by side, and each class in numbers. */
export function classesSection(arms: readonly Arm[], difference: boolean): Section | null {
  const measured = arms.filter(({ evaluations }) => evaluations.length > 0);
  if (measured.length === 0) return null;
  const [first, second] = measured;
  const alike = measured.length === 2 && first && second && first.classes.join('\n') === second.classes.join('\n');
  const runs = measured.some(({ evaluations }) => evaluations.length > 1);
  return {
    id: 'classes',
    heading: 'Classes',
    lead: `Rows are true classes, columns predictions; the shade is the share of the row.${runs ? ' The runs of an arm are added up.' : ''}`,
    body: html`<div class="grid">${measured.map((arm) =>
      card(html`<h3>${armLabel(arm)}</h3>${confusionTable(`Confusion of ${arm.name}`, arm.classes, arm.confusion)}`),
    )}${
      difference && alike
        ? card(
            html`<h3>Difference: ${first.name} − ${second.name}, in shares of the row</h3>${differenceTable(first, second)}`,
          )
        : null
    }</div><div class="card" style="margin-top:14px">${perClass(measured)}</div>`,
  };
}

const shareOf = (row: readonly number[], value: number) => {
  const total = row.reduce((sum, each) => sum + each, 0);
  return total === 0 ? 0 : value / total;
};

const heads = (classes: readonly string[]) =>
  html`<thead><tr><td></td>${classes.map((name) => html`<th scope="col"><span>${name}</span></th>`)}</tr></thead>`;

function confusionTable(caption: string, classes: readonly string[], confusion: readonly (readonly number[])[]): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}" data-plot="${caption}"><table class="confusion">${heads(classes)}<tbody>${confusion.map(
    (row, label) =>
      html`<tr><th scope="row">${classes[label]}</th>${row.map((value, predicted) => {
        const share = shareOf(row, value);
        return html`<td class="${share > 0.5 ? 'strong' : ''}" style="--p:${(100 * share).toFixed(0)}%" title="${classes[label]} taken for ${classes[predicted]}: ${count(value)}, ${percent(share, 1)} of the row">${
          value === 0 ? null : html`${count(value)}<small>${percent(share, share < 0.1 ? 1 : 0)}</small>`
        }</td>`;
      })}</tr>`,
  )}</tbody></table></div>`;
}

/** Shares of the rows, first less second, in percentage points. */
function differenceTable(first: Arm, second: Arm): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Difference of the confusions"><table class="confusion">${heads(first.classes)}<tbody>${first.confusion.map(
    (row, label) =>
      html`<tr><th scope="row">${first.classes[label]}</th>${row.map((value, predicted) => {
        const other = second.confusion[label] ?? [];
        const change = 100 * (shareOf(row, value) - shareOf(other, other[predicted] ?? 0));
        const text = Math.abs(change) < 0.05 ? '' : `${change > 0 ? '+' : '−'}${Math.abs(change).toFixed(1)}`;
        return html`<td class="${change > 0 ? 'more' : 'less'}" style="--p:${Math.min(70, Math.abs(change) * 7).toFixed(0)}%">${text}</td>`;
      })}</tr>`,
  )}</tbody></table></div>`;
}

function perClass(arms: readonly Arm[]): Html {
  const [first] = arms;
  const names = ['precision', 'recall', 'f1'] as const;
  const head = [
    'class',
    'images',
    ...arms.flatMap((arm) =>
      names.map((name) => html`${arms.length > 1 ? armLabel(arm) : null} ${name === 'f1' ? 'F1' : name}`),
    ),
  ];
  const valuesOf = (arm: Arm, label: number, name: (typeof names)[number]) =>
    arm.evaluations.flatMap(({ evaluation }) => evaluation.perClass[label]?.[name] ?? []);
  const rows = (first?.classes ?? []).map((name, label) => {
    const f1 = arms.map((arm) => mean(valuesOf(arm, label, 'f1')));
    return [
      name,
      n(count(first?.evaluations[0]?.evaluation.perClass[label]?.support ?? 0)),
      ...arms.flatMap((arm, at) =>
        names.map((measure) => {
          const values = valuesOf(arm, label, measure);
          const best = measure === 'f1' && new Set(f1).size > 1 && f1[at] === Math.max(...f1);
          return n(values.length === 0 ? '–' : meanAndDeviation(values, (value) => value.toFixed(3)), best);
        }),
      ),
    ] as const;
  });
  return table('Each class', head, rows);
}

/** How far confidence can be believed. */
export function reliabilitySection(arms: readonly Arm[], drawings: ReadonlyMap<string, Drawing>): Section | null {
  const drawing = drawings.get('reliability');
  if (!drawing) return null;
  const shown = arms.filter(({ reliability }) => reliability.length > 0);
  return {
    id: 'calibration',
    heading: 'Calibration',
    lead: 'Of the images that the model is 90 % sure of, 90 % should be right. Points below the line are too sure; their size is how many images there are.',
    body: html`<div class="grid">${card(html`${legend(shown)}${figureOf(drawing, { caption: false })}`)}${card(
      html`${table(
        'Means over the test images',
        ['', 'calibration error', 'mean confidence', 'accuracy'],
        shown.map((arm) => {
          const { confidence, accuracy } = overallOf(arm.reliability);
          return [armLabel(arm), n(percent(arm.calibrationError)), n(percent(confidence)), n(percent(accuracy))];
        }),
      )}<div style="height:10px"></div>${shown.map(
        (arm) =>
          html`<details><summary>${arm.name}: every bin</summary>${table(
            `Reliability of ${arm.name}`,
            ['confidence', 'images', 'mean confidence', 'accuracy'],
            arm.reliability
              .filter(({ images }) => images > 0)
              .map(({ low, high, images, confidence, accuracy }) => [
                `${percent(low, 0)} – ${percent(high, 0)}`,
                n(count(images)),
                n(confidence === null ? '–' : percent(confidence, 1)),
                n(accuracy === null ? '–' : percent(accuracy, 1)),
              ]),
          )}</details>`,
      )}`,
    )}</div>`,
  };
}

/** Means over the images of all bins. */
function overallOf(reliability: Arm['reliability']): { readonly confidence: number; readonly accuracy: number } {
  const images = reliability.reduce((sum, bin) => sum + bin.images, 0);
  const over = (value: 'confidence' | 'accuracy') =>
    images === 0 ? 0 : reliability.reduce((sum, bin) => sum + bin.images * (bin[value] ?? 0), 0) / images;
  return { confidence: over('confidence'), accuracy: over('accuracy') };
}
