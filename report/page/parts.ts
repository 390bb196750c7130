import type { Arm } from '../arms.ts';
import type { Pictures } from '../pictures.ts';
import { armColour, type Drawing } from '../plots/draw.ts';
import { type Html, html, trusted } from './html.ts';

/** What a section is made of. */
export interface Section {
  readonly id: string;
  readonly heading: string;
  readonly lead: string;
  readonly body: Html;
}

export const figureOf = (drawing: Drawing, { caption = true, className = '' } = {}): Html => {
  const width = /viewBox="0 0 (\d+)/.exec(drawing.svg)?.[1] ?? '480';
  return html`<figure class="${className}" style="--w:${width}px" data-plot="${drawing.name}">${
    caption ? html`<figcaption>${drawing.title}</figcaption>` : null
  }${trusted(drawing.svg)}</figure>`;
};

export const card = (body: Html): Html => html`<div class="card">${body}</div>`;

/** A cell of a table; `n` is a number, aligned to the right. */
export interface Cell {
  readonly text: string | Html;
  readonly n?: boolean;
  readonly best?: boolean;
}
export const n = (text: string, best = false): Cell => ({ text, n: true, best });

/** A table whose rows begin with what they are about; wide ones scroll in their box. */
export function table(
  caption: string,
  head: readonly (string | Html)[],
  rows: readonly (readonly [string | Html, ...Cell[]])[],
  { firstNumeric = 1 }: { readonly firstNumeric?: number } = {},
): Html {
  const isNumeric = (column: number) =>
    column >= firstNumeric && rows.every((row) => (row[column] as Cell | undefined)?.n !== false);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="wide"><caption>${caption}</caption>
<thead><tr>${head.map((cell, column) => html`<th scope="col" class="${isNumeric(column) ? 'n' : ''}">${cell}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first, ...cells]) =>
      html`<tr><th scope="row">${first}</th>${cells.map(
        ({ text, n: numeric, best }) =>
          html`<td class="${numeric === false ? '' : 'n'}${best ? ' best' : ''}">${text}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`;
}

export const armLabel = ({ name, index }: Pick<Arm, 'name' | 'index'>): Html =>
  html`<span class="dot" style="--k:${armColour(index)}"></span>${name}`;

export const legend = (arms: readonly Pick<Arm, 'name' | 'index'>[]): Html | null =>
  arms.length < 2 ? null : html`<div class="legend">${arms.map((arm) => html`<span>${armLabel(arm)}</span>`)}</div>`;

/** The picture of a test image, or a box of its size where there is none. */
export function picture(
  pictures: Pictures,
  digest: string,
  row: number,
  size: number,
  label: string,
  className = '',
): Html {
  const sheet = pictures.get(digest);
  const place = sheet?.placeOf.get(row);
  const index = [...pictures.keys()].indexOf(digest);
  const shown =
    sheet === undefined || place === undefined
      ? ''
      : `background-image:var(--sheet-${index});background-size:${sheet.columns * size}px ${sheet.lines * size}px;background-position:${-(place % sheet.columns) * size}px ${-Math.floor(place / sheet.columns) * size}px`;
  return html`<span class="picture ${className}" role="img" aria-label="${label}" title="${label}" style="width:${size}px;height:${size}px;${shown}"></span>`;
}
