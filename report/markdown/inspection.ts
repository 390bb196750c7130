import { times } from '../../contracts/counted.ts';
import type { InspectedImage, Inspection } from '../../contracts/inspection.ts';
import { markdownText } from '../../contracts/markdown-text.ts';
import { bothWaysFirst } from '../both-ways-first.ts';
import { ifMeasured } from '../format.ts';
import { shownSplit } from '../shown-split.ts';
import { percent, table } from './table.ts';

const shown = 50;

/** What is odd about a data set as Markdown, for people. */
export function formatInspection(inspection: Inspection): string {
  const { dataset, classes, images, duplicates, suspects, outliers, alike, balance } = inspection;
  const total = images.reduce((sum, { images: of }) => sum + of, 0);
  const imageText = ({ name, split, label }: InspectedImage) => `${name} (${shownSplit(split)}, ${classes[label]})`;
  const section = (heading: string, head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
    rows.length === 0
      ? []
      : [
          `## ${heading}`,
          ...(rows.length > shown ? [`The first ${shown} of ${rows.length} that are listed.`] : []),
          table(head, rows.slice(0, shown)),
        ];
  return `${[
    `# Health of ${markdownText(dataset)}`,
    `${times(total, 'image')} compared by ${inspection.embedding === 'encoder' ? 'an encoder' : 'their pixels'}. Nothing was removed or relabelled.`,
    ...section(
      'Images with duplicates',
      ['images of', 'also in', 'kind', 'images'],
      duplicates.found.map(({ split, alsoIn, kind, images: of }) => [shownSplit(split), shownSplit(alsoIn), kind, of]),
    ),
    ...section(
      'Pairs',
      ['image', 'duplicate', 'kind', 'likeness'],
      duplicates.pairs.map(({ a, b, kind, likeness }) => [imageText(a), imageText(b), kind, likeness.toFixed(4)]),
    ),
    '## Labels that are probably wrong',
    suspects.accuracy === null
      ? 'No class has two images, so no label could be judged.'
      : `${times(suspects.count, 'label')} ${suspects.count === 1 ? 'is' : 'are'} doubted by ${suspects.folds} classifiers that did not see the image; they find ${percent(suspects.accuracy)} of the labels. Alone in their class: ${times(suspects.leftOut.images, 'image')}.`,
    ...(suspects.listed.length === 0
      ? []
      : [
          table(
            ['image', 'label', 'suggested', 'confidence', ...(suspects.byLoss ? ['by loss'] : [])],
            bothWaysFirst(suspects)
              .slice(0, shown)
              .map((each) => [
                each.name,
                classes[each.label] ?? '',
                classes[each.suggested] ?? '',
                percent(each.confidence),
                ...(suspects.byLoss ? [each.byLoss ? 'yes' : 'no'] : []),
              ]),
          ),
        ]),
    ...lossSuspects(inspection),
    ...section(
      'Outliers',
      ['image', 'distance', 'limit'],
      outliers.listed.map((each) => [imageText(each), each.distance.toFixed(4), each.limit.toFixed(4)]),
    ),
    ...section(
      'Classes that may be one',
      ['class', 'and', 'names alike', 'taken for each other'],
      alike.map(({ a, b, names, confused }) => [a, b, names ? 'yes' : 'no', ifMeasured(confused, percent)]),
    ),
    '## Balance',
    `Training images of a class: ${balance.smallest.images} (${markdownText(balance.smallest.class)}) to ${balance.largest.images} (${markdownText(balance.largest.class)}), median ${balance.median}. Classes below a tenth of the median: ${balance.small}.`,
  ].join('\n\n')}\n`;
}

/** What the loss of kept checkpoints says of labels. */
function lossSuspects({ suspects: { byLoss }, classes }: Inspection): readonly string[] {
  if (!byLoss) return [];
  const { training, epochs, judged, count, both, listed } = byLoss;
  return [
    '## Wrong labels by the loss of kept checkpoints',
    `${count} of ${times(judged, 'training image')} ${count === 1 ? 'has a label' : 'have labels'} whose class explains them worse than another does, by the checkpoints of ${training.run}/${training.step} after ${epochs.length === 1 ? 'epoch' : 'epochs'} ${epochs.join(', ')}. The classifiers doubt ${both} of them as well.`,
    ...(listed.length === 0
      ? []
      : [
          table(
            ['image', 'label', 'suggested', 'votes of neighbours', 'margin', 'by classifiers'],
            listed
              .slice(0, shown)
              .map((each) => [
                each.name,
                classes[each.label] ?? '',
                classes[each.suggested] ?? '',
                percent(each.votes),
                each.margin.toFixed(4),
                each.byClassifiers ? 'yes' : 'no',
              ]),
          ),
        ]),
  ];
}
