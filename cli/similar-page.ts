import { times } from '../contracts/counted.ts';
import type { IndexAbout } from '../contracts/vector-index.ts';
import { visible } from '../contracts/visible-text.ts';
import { type Html, html, trusted } from '../report/page/html.ts';
import type { UsedModel } from '../serving/find-model.ts';
import { shorten } from './output.ts';

export interface FoundLookAlike {
  readonly score: number;
  readonly name: string;
  readonly label?: string | undefined;
  readonly group?: string | undefined;
  /** A WebP file; null where none is kept, or wanted. */
  readonly picture: Uint8Array | null;
}

export interface PhotoWithLookAlikes {
  readonly name: string;
  readonly unknown: boolean | null;
  readonly because: string;
  readonly picture: Uint8Array | null;
  readonly lookAlikes: readonly FoundLookAlike[];
}

/** Photos on one page, which has every picture in it. */
export const mostOnPage = 200;

const style = `
:root{color-scheme:light dark;--paper:#f6f7f8;--card:#fff;--ink:#1b1f24;--muted:#5a636c;--line:#e2e5e9;--warn:#9a4d00}
@media (prefers-color-scheme:dark){:root{--paper:#101316;--card:#181c20;--ink:#e6e9ec;--muted:#9aa4ad;--line:#2c3238;--warn:#f0a860}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1160px;margin:0 auto;padding:24px 16px 48px}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .3rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:0 0 .6rem;overflow-wrap:anywhere}
p{margin:.2rem 0 .8rem;color:var(--muted)}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px;margin:0 0 16px;break-inside:avoid}
.unknown{color:var(--warn)}
.photos{display:flex;gap:16px;align-items:flex-start;flex-wrap:wrap}
ol{list-style:none;margin:0;padding:0;display:grid;gap:12px;grid-template-columns:repeat(auto-fill,minmax(108px,1fr));flex:1 1 260px;min-width:0}
figure{margin:0;min-width:0}.query{width:112px}
img,.none{display:block;width:96px;height:96px;object-fit:contain;image-rendering:auto;background:var(--paper);border:1px solid var(--line);border-radius:6px}
.query img{outline:3px solid var(--muted);outline-offset:2px}
figcaption{font-size:.82rem;line-height:1.35;margin-top:4px;overflow-wrap:anywhere}
figcaption b{display:block;font-weight:600}figcaption small{color:var(--muted);display:block;font-size:.95em;font-variant-numeric:tabular-nums}
`;

/** A page that shows photos and their look-alikes. It needs nothing from anywhere, and runs no script. */
export function similarPage(
  { name, version }: Pick<UsedModel, 'name' | 'version'>,
  { count, recall }: Pick<IndexAbout, 'count' | 'recall'>,
  photos: readonly PhotoWithLookAlikes[],
): string {
  const shown = photos.slice(0, mostOnPage);
  const left = photos.length - shown.length;
  const found =
    recall.value === 1 ? '' : ` The search finds ${(100 * recall.value).toFixed(1)} % of the ${recall.k} nearest.`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Look-alikes by ${visible(name)}</title>
<style>${trusted(style)}</style>
</head>
<body>
<main>
<h1>Look-alikes by ${visible(name)}${version === null ? '' : `, version ${version}`}</h1>
<p>Among ${times(count, 'image')}, the most similar first. Numbers are cosine similarities.${found}${
    left > 0 ? ` The first ${shown.length} of ${photos.length} photos.` : ''
  }</p>
${shown.map(sectionOf)}
</main>
</body>
</html>
`;
  return page.toString();
}

const sectionOf = ({ name, unknown, because, picture, lookAlikes }: PhotoWithLookAlikes): Html => html`<section>
<h2>${visible(name)}</h2>
${unknown ? html`<p class="unknown">Unknown: ${because}.</p>` : null}
<div class="photos">
<figure class="query">${imageOf(picture, `the photo ${name}`)}<figcaption><b>the photo</b><small>as the model sees it</small></figcaption></figure>
<ol>${lookAlikes.map(itemOf)}</ol>
</div>
</section>
`;

/** Characters of a name under a picture; all of it is shown when the pointer rests on it. */
const captionLength = 48;

const itemOf = ({ score, name, label, group, picture }: FoundLookAlike): Html =>
  html`<li><figure>${imageOf(picture, name)}<figcaption title="${visible(name)}"><b>${shorten(label ?? group ?? name, captionLength)}</b>${
    label === undefined && group === undefined ? null : shorten(name, captionLength)
  }<small>${score.toFixed(3)}</small></figcaption></figure></li>
`;

const imageOf = (picture: Uint8Array | null, alt: string): Html =>
  picture === null
    ? html`<div class="none" role="img" aria-label="${visible(alt)}, without a picture"></div>`
    : html`<img src="data:image/webp;base64,${Buffer.from(picture).toString('base64')}" alt="${visible(alt)}" width="96" height="96">`;
