import { mean } from '../../evaluation/metrics/statistics.ts';
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

/** Those of some drawings that there are. */
export const figuresOf = (drawings: ReadonlyMap<string, Drawing>, names: readonly string[]): Html[] =>
  names.flatMap((name) => {
    const drawing = drawings.get(name);
    return drawing ? [figureOf(drawing)] : [];
  });

export const card = (body: Html): Html => html`<div class="card">${body}</div>`;

/** A cell of a table; `n` is a number, aligned to the right. */
export interface Cell {
  readonly text: string | Html;
  readonly n?: boolean;
  readonly best?: boolean;
}
export const n = (text: string, best = false): Cell => ({ text, n: true, best });

/**
 * A row of a table about arms: of each its values in a cell. The one with the best mean stands out, unless all have the same.
 *
 * @param text of the values of the arm at a place
 * @param comparable whether the arms may be compared; else none stands out
 */
export function armRow(
  name: string,
  values: readonly (readonly number[])[],
  text: (values: readonly number[], at: number) => string,
  { comparable, goal = 'higher' }: { readonly comparable: boolean; readonly goal?: 'higher' | 'lower' },
): readonly [string, ...Cell[]] {
  const sign = goal === 'higher' ? 1 : -1;
  const means = values.map((each) => (each.length === 0 ? Number.NEGATIVE_INFINITY : sign * mean(each)));
  const isBest = (at: number) => comparable && new Set(means).size > 1 && means[at] === Math.max(...means);
  return [name, ...values.map((each, at) => n(text(each, at), isBest(at)))];
}

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

/** More arms than this stand below each other. */
const mostBeside = 4;

/**
 * A table of measures by arm: arms beside each other, or below each other where there are many.
 *
 * @param rows a measure each, with a cell for each arm
 */
export const byArm = (
  caption: string,
  labels: readonly Html[],
  rows: readonly (readonly [string | Html, ...Cell[]])[],
): Html =>
  labels.length <= mostBeside
    ? table(caption, ['', ...labels], rows)
    : table(
        caption,
        ['', ...rows.map(([name]) => html`<span class="measure">${name}</span>`)],
        labels.map((label, at) => [label, ...rows.map(([, ...cells]) => cells[at] ?? n('–'))] as const),
      );

export const armLabel = ({ name, index }: Pick<Arm, 'name' | 'index'>): Html =>
  html`<span class="dot" style="--k:${armColour(index)}"></span>${name}`;

export const legend = (arms: readonly Pick<Arm, 'name' | 'index'>[]): Html | null =>
  arms.length < 2 ? null : html`<div class="legend">${arms.map((arm) => html`<span>${armLabel(arm)}</span>`)}</div>`;

/** The picture of an image, or a box of its size where there is none. @param digest what the pictures of its split go by: `sheetOf` */
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
