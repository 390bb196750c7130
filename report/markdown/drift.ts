import { count, times } from '../../contracts/counted.ts';
import type { Drift } from '../../contracts/drift.ts';
import { markdownText } from '../../contracts/markdown-text.ts';
import { comparedText, verdictText } from '../drift-texts.ts';
import { percent, table } from './table.ts';

/** Whether a model has gone stale, as Markdown, for people. */
export function formatDrift(drift: Drift): string {
  const { reasons, unknown, embeddings, classes, looks, news } = drift;
  return `${[
    `# ${verdictText(drift)}`,
    reasons.map((reason) => `- ${markdownText(reason)}`).join('\n'),
    comparedText(drift),
    table(
      ['test', 'difference', 'p'],
      [
        ...(unknown
          ? [
              [
                'unknown images',
                `${percent(unknown.share)} for ${percent(unknown.expected)}`,
                unknown.p.toPrecision(2),
              ] as const,
            ]
          : []),
        ...(embeddings ? [['embeddings', embeddings.effect.toFixed(3), embeddings.p.toPrecision(2)] as const] : []),
        ...(classes ? [['class shares', percent(classes.distance), classes.p.toPrecision(2)] as const] : []),
        ...(looks
          ? [
              [
                'looks',
                looks.of.map(({ name, statistic }) => `${name} ${statistic.toFixed(3)}`).join(', '),
                looks.p.toPrecision(2),
              ] as const,
            ]
          : []),
      ],
    ),
    ...(classes
      ? [
          '## Classes that changed most',
          table(
            ['class', 'recent', 'reference'],
            classes.listed.map((each) => [each.class, percent(each.recent.share), percent(each.reference.share)]),
          ),
        ]
      : []),
    ...(news
      ? [
          '## Unknown images',
          `${times(news.unknown, 'image')} of ${count(news.images)}; in no cluster that is listed: ${count(news.others)}.`,
          ...(news.clusters.length === 0
            ? []
            : [
                table(
                  ['cluster', 'images', 'similarity', 'first'],
                  news.clusters.map(({ near, size, similarity, images }, at) => [
                    near ? `${at + 1}, nearest to ${near.class}` : String(at + 1),
                    size,
                    similarity.toFixed(3),
                    images[0]?.name ?? '',
                  ]),
                ),
              ]),
        ]
      : []),
  ].join('\n\n')}\n`;
}
