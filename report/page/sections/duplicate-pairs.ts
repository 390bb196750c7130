import type { DuplicateKind, DuplicatePair, InspectedImage } from '../../../contracts/inspection.ts';
import { figure } from '../../format.ts';
import { type Pictures, sheetOf, shownDuplicates } from '../../pictures.ts';
import { shownSplit } from '../../shown-split.ts';
import { type Html, html } from '../html.ts';
import { picture } from '../parts.ts';

export const duplicateTexts: Readonly<Record<DuplicateKind, string>> = {
  exact: 'the same pixels',
  near: 'near duplicates',
  embedding: 'the same to the encoder',
};

/** An image with what is said of it. */
export const shownImage = (dataset: string, pictures: Pictures, image: InspectedImage, text: Html | string): Html =>
  html`<li>${picture(pictures, sheetOf(dataset, image.split), image.row, 72, image.name)}${text} <span class="muted">${image.name}</span></li>`;

/** The pairs that are shown, under what their kinds are called. */
export const pairsByKind = (
  dataset: string,
  classes: readonly string[],
  pairs: readonly DuplicatePair[],
  pictures: Pictures,
): Html[] =>
  shownDuplicates(pairs).map(
    ({ kind, shown }) =>
      html`<h3 style="margin-top:16px">${duplicateTexts[kind]}</h3><div class="pairs">${shown.map((pair) => pairOf(dataset, classes, pair, pictures))}</div>`,
  );

/** Two images that are one, side by side. */
function pairOf(
  dataset: string,
  classes: readonly string[],
  { a, b, likeness }: DuplicatePair,
  pictures: Pictures,
): Html {
  const text = (image: InspectedImage) => html`${shownSplit(image.split)}, ${classes[image.label]}`;
  const className = a.label === b.label ? 'pictures' : 'pictures differ';
  return html`<ul class="${className}" title="likeness ${figure(likeness)}">${[a, b].map((image) => shownImage(dataset, pictures, image, text(image)))}</ul>`;
}
