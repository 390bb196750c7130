import { times } from '../../../contracts/counted.ts';
import type { EmbeddingMap, EvaluationReport } from '../../../contracts/report.ts';
import type { Arm } from '../../arms.ts';
import { percent } from '../../format.ts';
import { type Pictures, shownMistakes, shownOfPair, shownPairs } from '../../pictures.ts';
import type { Drawing } from '../../plots/draw.ts';
import { type Html, html } from '../html.ts';
import { armLabel, card, figureOf, picture, type Section } from '../parts.ts';

const shownNeighbours = 10;

/** The embedding in the plane, and nearest neighbours in pictures. */
export function embeddingSection(
  arms: readonly Arm[],
  drawings: ReadonlyMap<string, Drawing>,
  pictures: Pictures,
): Section | null {
  const mapped = arms.flatMap((arm) =>
    arm.evaluations.flatMap((own) => (own.map === null ? [] : [{ arm, own, map: own.map }])).slice(0, 1),
  );
  if (mapped.length === 0) return null;
  const measured = arms.filter(({ evaluations }) => evaluations.length > 0).length;
  const left = measured > mapped.length ? ` ${mapped.length} of ${measured} arms have a map.` : '';
  return {
    id: 'embedding',
    heading: 'Embedding',
    lead: `Test images in the plane. Colour and shape are the true class; a dark edge marks a wrong prediction. Point at an image to see it; click it, or go there with the arrow keys and press Enter, for its neighbours. Distances between far groups mean little.${left}`,
    body: html`${mapped.map(({ arm, own }) => {
      const stages = (['umap', 'pca'] as const).flatMap((way) => {
        const drawing = drawings.get(`map-${way}-${arm.name}`);
        return drawing ? [{ way, drawing }] : [];
      });
      const id = `map-${arm.index}`;
      return html`<div class="card" style="margin-bottom:14px"><h3>${armLabel(arm)}${own.variant ? html` <span class="muted">${own.variant}</span>` : null}</h3>
<div class="map" data-map="${id}"><div class="projections ${stages.length < 2 ? 'single' : ''}">${
        stages.length < 2
          ? null
          : html`<input class="choose choose-umap" type="radio" name="${id}" id="${id}-umap" checked><input class="choose choose-pca" type="radio" name="${id}" id="${id}-pca"><div class="choices controls"><label class="for-umap" for="${id}-umap">UMAP</label><label class="for-pca" for="${id}-pca">Principal components</label></div>`
      }${stages.map(({ way, drawing }) => html`<div class="stage ${way}">${figureOf(drawing, { caption: false })}</div>`)}</div>
<aside class="panel" aria-live="polite"><span class="muted">No image is chosen.</span></aside></div></div>`;
    })}${card(
      html`<h3>Nearest neighbours</h3><p class="note">For some test images the nearest others of the map by cosine: green is of the same class, orange of another.</p><div class="grid">${mapped.map(
        ({ arm, own, map }) =>
          html`<div>${mapped.length > 1 ? html`<h3>${armLabel(arm)}</h3>` : null}${neighbourTable(own, map, pictures)}</div>`,
      )}</div>`,
    )}`,
  };
}

function neighbourTable(
  { dataset, evaluation: { classes } }: EvaluationReport,
  { points }: EmbeddingMap,
  pictures: Pictures,
): Html {
  const firstOf = new Map<number, number>();
  for (const [at, { label }] of points.entries()) if (!firstOf.has(label)) firstOf.set(label, at);
  const picked = [...firstOf].sort(([a], [b]) => a - b).map(([, at]) => at);
  const nameOf = (label: number | undefined) => classes[label ?? -1] ?? String(label);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Nearest neighbours of test images"><table class="neighbours"><tbody>${picked
    .slice(0, shownNeighbours)
    .map((at) => {
      const point = points[at];
      if (!point) return null;
      return html`<tr><th scope="row">${nameOf(point.label)}</th><td style="padding-right:16px">${picture(pictures, dataset, point.row, 42, nameOf(point.label))}</td>${point.neighbours
        .slice(0, 6)
        .map((other) => {
          const found = points[other];
          const same = found?.label === point.label;
          return html`<td>${picture(pictures, dataset, found?.row ?? -1, 42, nameOf(found?.label), same ? 'right' : 'wrong')}</td>`;
        })}</tr>`;
    })}</tbody></table></div>`;
}

/** The mistakes that were made with the most confidence, and the pairs that are mixed up most. */
export function mistakesSection(arms: readonly Arm[], pictures: Pictures): Section | null {
  const measured = arms.flatMap((arm) => arm.evaluations.slice(0, 1).map((own) => ({ arm, own })));
  if (measured.length === 0) return null;
  return {
    id: 'mistakes',
    heading: 'Mistakes',
    lead: 'The wrong predictions with the highest confidence, and the classes that are mixed up most. Some labels are wrong, too.',
    body: html`<div class="grid">${measured.map(({ arm, own }) => {
      const { classes, worst = [], mostConfused } = own.evaluation;
      return card(
        html`<h3>${armLabel(arm)}${arm.evaluations.length > 1 ? html` <span class="muted">${own.variant}</span>` : null}</h3>${
          worst.length === 0
            ? null
            : html`<ul class="pictures">${worst
                .slice(0, measured.length > 1 ? shownMistakes / 2 : shownMistakes)
                .map(({ row, label, predicted, confidence }) => {
                  const text = `${classes[label]}, taken for ${classes[predicted]}`;
                  return html`<li>${picture(pictures, own.dataset, row, 72, text)}${classes[predicted]} <span class="muted">${percent(confidence, 1)}, is ${classes[label]}</span></li>`;
                })}</ul>`
        }${mostConfused
          .slice(0, shownPairs)
          .map(
            ({ a, b, count, rows = [] }) =>
              html`<h3 style="margin-top:16px">${a} and ${b} <span class="muted">${times(count, 'image')}</span></h3>${
                rows.length === 0
                  ? null
                  : html`<ul class="pictures tight">${rows.slice(0, shownOfPair).map((row) => html`<li>${picture(pictures, own.dataset, row, 48, `test image ${row}`)}</li>`)}</ul>`
              }`,
          )}`,
      );
    })}</div>`,
  };
}
