import { addConfusions, type ShownConfusion, shownConfusion } from '../../../contracts/confusion.ts';
import { count, times } from '../../../contracts/counted.ts';
import { mean } from '../../../evaluation/metrics/statistics.ts';
import type { Arm } from '../../arms.ts';
import { ifMeasured, meanAndDeviation, percent } from '../../format.ts';
import type { Drawing } from '../../plots/draw.ts';
import { worstClasses } from '../../worst-classes.ts';
import { type Html, html } from '../html.ts';
import { armLabel, card, figureOf, legend, n, type Section, table } from '../parts.ts';

/** Above so many classes, a matrix is that of the most confused, and the table that of the worst. */
const wholeMatrix = 50;
const partOfMatrix = 30;

/**
 * Confusion matrices side by side, and each class in numbers.
 *
 * @param options.difference shows how the matrices of two arms differ
 * @param options.best marks the better F1, where all were measured on the same test images
 */
export function classesSection(
  arms: readonly Arm[],
  { difference, best }: { readonly difference: boolean; readonly best: boolean },
): Section | null {
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
      card(html`<h3>${armLabel(arm)}</h3>${confusionTable(`Confusion of ${arm.name}`, arm)}`),
    )}${
      difference && alike
        ? card(
            html`<h3>Difference: ${first.name} − ${second.name}, in shares of the row</h3>${differenceTable(first, second)}`,
          )
        : null
    }</div><div class="card" style="margin-top:14px">${perClass(measured, best)}</div>`,
  };
}

const share = (value: number, total: number) => (total === 0 ? 0 : value / total);

const heads = (names: readonly string[]) =>
  html`<thead><tr><td></td>${names.map((name) => html`<th scope="col"><span>${name}</span></th>`)}</tr></thead>`;

const namesOf = (classes: readonly string[], { shown }: ShownConfusion) =>
  shown.map((label) => classes[label] ?? String(label));

/** What a matrix leaves out. */
const leftOut = (classes: readonly string[], { shown }: ShownConfusion): Html | null =>
  shown.length === classes.length
    ? null
    : html`<p class="note">Only the ${shown.length} classes that are confused most; ${times(classes.length - shown.length, 'other')} ${classes.length - shown.length === 1 ? 'is' : 'are'} left out.</p>`;

function confusionTable(caption: string, { classes, confusion }: Arm): Html {
  const part = shownConfusion(confusion, wholeMatrix, partOfMatrix);
  const names = namesOf(classes, part);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}" data-plot="${caption}"><table class="confusion">${heads(names)}<tbody>${part.counts.map(
    (row, label) =>
      html`<tr><th scope="row">${names[label]}</th>${row.map((value, predicted) => {
        const own = share(value, part.totals[label] ?? 0);
        return html`<td class="${own > 0.5 ? 'strong' : ''}" style="--p:${(100 * own).toFixed(0)}%" title="${names[label]} taken for ${names[predicted]}: ${count(value)}, ${percent(own, 1)} of the row">${
          value === 0 ? null : html`${count(value)}<small>${percent(own, own < 0.1 ? 1 : 0)}</small>`
        }</td>`;
      })}</tr>`,
  )}</tbody></table></div>${leftOut(classes, part)}`;
}

/** Shares of the rows, first less second, in percentage points. */
function differenceTable(first: Arm, second: Arm): Html {
  const { classes } = first;
  const both = shownConfusion(
    addConfusions([first.confusion, second.confusion], classes.length),
    wholeMatrix,
    partOfMatrix,
  );
  const names = namesOf(classes, both);
  const places = new Map(both.shown.map((label, at) => [label, at]));
  /** Shares of the rows among the classes that are shown. */
  const sharesOf = ({ confusion }: Arm) => {
    const totals = new Map<number, number>();
    for (const [label, , images] of confusion.cells) totals.set(label, (totals.get(label) ?? 0) + images);
    const shares = both.shown.map(() => new Array<number>(both.shown.length).fill(0));
    for (const [label, predicted, images] of confusion.cells) {
      const row = shares[places.get(label) ?? -1];
      const column = places.get(predicted);
      if (row && column !== undefined) row[column] = share(images, totals.get(label) ?? 0);
    }
    return shares;
  };
  const [ofFirst, ofSecond] = [sharesOf(first), sharesOf(second)];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Difference of the confusions"><table class="confusion">${heads(names)}<tbody>${ofFirst.map(
    (row, label) =>
      html`<tr><th scope="row">${names[label]}</th>${row.map((value, predicted) => {
        const change = 100 * (value - (ofSecond[label]?.[predicted] ?? 0));
        const text = Math.abs(change) < 0.05 ? '' : `${change > 0 ? '+' : '−'}${Math.abs(change).toFixed(1)}`;
        return html`<td class="${change > 0 ? 'more' : 'less'}" style="--p:${Math.min(70, Math.abs(change) * 7).toFixed(0)}%">${text}</td>`;
      })}</tr>`,
  )}</tbody></table></div>${leftOut(classes, both)}`;
}

function perClass(arms: readonly Arm[], comparable: boolean): Html {
  const [first] = arms;
  // Of many arms, three columns each are more than anybody reads.
  const names = (['precision', 'recall', 'f1'] as const).filter((name) => name === 'f1' || arms.length <= 3);
  const head = [
    'class',
    'images',
    ...arms.flatMap((arm) =>
      names.map((name) => html`${arms.length > 1 ? armLabel(arm) : null} ${name === 'f1' ? 'F1' : name}`),
    ),
  ];
  const valuesOf = (arm: Arm, label: number, name: (typeof names)[number]) =>
    arm.evaluations.flatMap(({ evaluation }) => evaluation.perClass[label]?.[name] ?? []);
  const meanOf = (values: readonly number[]) => (values.length === 0 ? null : mean(values));
  const classes = first?.classes ?? [];
  const shown = worstClasses(
    classes.map((_, label) => (first ? meanOf(valuesOf(first, label, 'f1')) : null)),
    wholeMatrix,
  );
  const rows = shown.map((label) => {
    const f1 = arms.map((arm) => meanOf(valuesOf(arm, label, 'f1')));
    const best = Math.max(...f1.flatMap((value) => value ?? []));
    return [
      classes[label] ?? String(label),
      n(count(first?.evaluations[0]?.evaluation.perClass[label]?.support ?? 0)),
      ...arms.flatMap((arm, at) =>
        names.map((measure) => {
          const values = valuesOf(arm, label, measure);
          const isBest = comparable && measure === 'f1' && new Set(f1).size > 1 && f1[at] === best;
          return n(values.length === 0 ? '–' : meanAndDeviation(values, (value) => value.toFixed(3)), isBest);
        }),
      ),
    ] as const;
  });
  const left = classes.length - shown.length;
  return html`${table(left === 0 ? 'Each class' : `The ${shown.length} classes with the lowest F1`, head, rows)}${
    left === 0
      ? null
      : html`<p class="note">${times(left, 'other class', 'other classes')} ${left === 1 ? 'is' : 'are'} left out; report.json has all.</p>`
  }`;
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
          return [
            armLabel(arm),
            n(ifMeasured(arm.calibrationError, percent)),
            n(ifMeasured(confidence, percent)),
            n(ifMeasured(accuracy, percent)),
          ];
        }),
      )}${calibrated(shown)}<div style="height:10px"></div>${shown.map(
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

/** What validation images say of the confidence, and of what is unknown; null where no evaluation has it. */
function calibrated(arms: readonly Arm[]): Html | null {
  const found = arms.flatMap((arm) =>
    arm.evaluations.flatMap(({ step, evaluation: { calibration } }) =>
      calibration ? [{ arm, step, calibration }] : [],
    ),
  );
  if (found.length === 0) return null;
  return html`<div style="height:10px"></div>${table(
    'Calibrated by validation images',
    ['', 'temperature', 'calibration error then', 'unknown below a similarity of', 'test images refused'],
    found.map(({ arm, step, calibration: { temperature, expectedCalibrationError, unknown } }) => [
      html`${armLabel(arm)} <span class="muted">${step}</span>`,
      n(temperature.toFixed(3)),
      n(ifMeasured(expectedCalibrationError.after, percent)),
      n(unknown.similarity.threshold.toFixed(3)),
      n(ifMeasured(unknown.similarity.refused, percent)),
    ]),
  )}<p class="note">Logits divided by the temperature give the confidence that predictions show. An image that is less similar to every training image that is kept is called unknown.</p>`;
}

/** Means over the images of all bins. */
function overallOf(reliability: Arm['reliability']): {
  readonly confidence: number | null;
  readonly accuracy: number | null;
} {
  const images = reliability.reduce((sum, bin) => sum + bin.images, 0);
  const over = (value: 'confidence' | 'accuracy') =>
    images === 0 ? null : reliability.reduce((sum, bin) => sum + bin.images * (bin[value] ?? 0), 0) / images;
  return { confidence: over('confidence'), accuracy: over('accuracy') };
}
