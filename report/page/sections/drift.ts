import { count, times } from '../../../contracts/counted.ts';
import type { Drift, NewCluster } from '../../../contracts/drift.ts';
import type { DriftReport, Report } from '../../../contracts/report.ts';
import { comparedText, verdictText } from '../../drift-texts.ts';
import { figure, percent } from '../../format.ts';
import { type Html, html } from '../html.ts';
import { type Cell, card, n, type Section, table } from '../parts.ts';

/** Pixels of a picture's side. */
const side = 72;
const shownClasses = 12;

/** Whether the model has gone stale, why, and pictures of what is new. */
export function driftSection({ drifts }: Pick<Report, 'drifts'>): Section | null {
  if (drifts.length === 0) return null;
  return {
    id: 'drift',
    heading: 'Has it gone stale?',
    lead: 'Recent images beside held-out images of the training data: a difference counts where chance makes it seldom and it is large enough to matter.',
    body: html`${drifts.map((each) =>
      card(
        html`<h3>${each.step}: ${verdictText(each.drift)}</h3>${reasons(each.drift)}${tests(each.drift)}${classes(each.drift)}${news(each)}`,
      ),
    )}`,
  };
}

/** For the top of the page. */
export const driftVerdict = ({ drift }: DriftReport): Html =>
  html`<p class="verdict">${verdictText(drift)}. ${drift.reasons.join(' ')}</p>`;

const reasons = (drift: Drift) =>
  html`<ul>${drift.reasons.map((reason) => html`<li>${reason}</li>`)}</ul><p class="note">${comparedText(drift)}</p>`;

function tests({ unknown, embeddings, classes: shares, looks, level }: Drift): Html | null {
  const isSeldom = (p: number, decides = true) => ({
    ...n(p < 0.001 ? '< 0.001' : p.toFixed(3)),
    best: decides && p <= level,
  });
  // Their p is that of the largest difference.
  const largest = Math.max(...(looks?.of.map(({ statistic }) => statistic) ?? []));
  const rows: (readonly [string, ...Cell[]])[] = [
    ...(unknown
      ? [
          [
            'unknown images',
            n(percent(unknown.share, 1)),
            n(percent(unknown.expected, 1)),
            n(`${percent(unknown.low, 1)} to ${percent(unknown.high, 1)}`),
            isSeldom(unknown.p),
          ] as const,
        ]
      : []),
    ...(embeddings
      ? [['embeddings, in deviations', n(figure(embeddings.effect)), n('0'), n(''), isSeldom(embeddings.p)] as const]
      : []),
    ...(shares
      ? [['images of another class', n(percent(shares.distance, 1)), n('0'), n(''), isSeldom(shares.p)] as const]
      : []),
    ...(looks?.of.map(
      ({ name, recent, reference, statistic }) =>
        [
          `mean ${name}`,
          n(figure(recent)),
          n(figure(reference)),
          n(''),
          isSeldom(looks.p, statistic === largest),
        ] as const,
    ) ?? []),
  ];
  if (rows.length === 0) return null;
  return html`${table('What was measured', ['', 'recent', 'held out', '95 % interval', 'p'], rows)}<p class="note">A test counts from p ${figure(level)} down, and the three of looks share one, that of the largest difference. p is the chance of such a difference between two draws of the same images.</p>`;
}

function classes({ classes: found }: Drift): Html | null {
  if (!found) return null;
  const interval = ({ share, low, high }: { share: number; low: number; high: number }) =>
    n(`${percent(share, 1)} (${percent(low, 1)} to ${percent(high, 1)})`);
  return table(
    `Predicted classes whose share changed most, of ${found.count}`,
    ['class', 'recent', 'held out'],
    found.listed
      .slice(0, shownClasses)
      .map((each) => [each.class, interval(each.recent), interval(each.reference)] as const),
  );
}

function news({ drift: { news: found, unknown }, pictures }: DriftReport): Html | null {
  if (!found || !unknown) return null;
  return html`<h3 class="apart">Unknown images</h3><p>${count(found.unknown)} of ${times(found.images, 'recent image')}: their nearest known image has a cosine below ${figure(unknown.threshold)}, as has that of ${percent(unknown.expected, 1)} of held-out images.${
    found.others > 0 ? ` In no cluster that is shown: ${count(found.others)}.` : ''
  }</p>${found.clusters.map((cluster) => clusterOf(cluster, pictures))}`;
}

function clusterOf({ size, near, similarity, images, known }: NewCluster, pictures: DriftReport['pictures']): Html {
  const picture = (file: string | undefined, label: string) => {
    const webp = file === undefined ? undefined : pictures[file];
    return html`<span class="picture" role="img" aria-label="${label}" title="${label}" style="width:${side}px;height:${side}px;background-size:contain;background-position:center;${webp === undefined ? '' : `background-image:url(data:image/webp;base64,${webp})`}"></span>`;
  };
  return html`<h4>${times(size, 'image')}${near ? html`, nearest to ${near.class} <span class="muted">(${percent(near.share, 0)} of them, cosine ${figure(similarity)})</span>` : html` <span class="muted">(cosine ${figure(similarity)} to the nearest known image)</span>`}</h4><ul class="pictures">${images.map(
    (each) => html`<li>${picture(each.picture, each.name)}${each.name}</li>`,
  )}<li>${picture(known.picture, `known: ${known.name}`)}<span class="muted">known${known.label === undefined ? '' : html`, ${known.label}`}:</span> ${known.name}</li></ul>`;
}
