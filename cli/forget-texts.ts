import { times } from '../contracts/counted.ts';
import { indexAgain } from '../contracts/index-again.ts';
import { visible } from '../contracts/visible-text.ts';
import type { FoundImage } from '../datasets/index.ts';
import { shortArtifact } from './short-artifact.ts';
import { wrapped } from './wrapped.ts';

const mostLines = 20;

/** So many lines, and how many more there are. */
function some<T>(items: readonly T[], text: (item: T) => string): string[] {
  const more = items.length - mostLines;
  return [
    ...items.slice(0, mostLines).map((item) => wrapped(text(item), '  ')),
    ...(more > 0 ? [`  and ${more} more; --json has all`] : []),
  ];
}

/** What was forgotten, in a line for whoever has seen the whole. */
export const forgottenText = ({ rows, uses: { trained, models, runs } }: FoundImage): string =>
  `Forgotten: ${times([...rows.values()].flat().length, 'row')} of ${times(rows.size, 'data set')}, used by ${times(runs.length, 'run')}; ${times(trained.length, 'artifact')} and ${times(models.length, 'version')} of models learnt from it.`;

/** Where an image is, before it is removed. */
export function foundText({ sources, rows, called, uses, pages, untold }: FoundImage): string {
  const places = [...rows].flatMap(([digest, found]) => found.map((each) => ({ digest, ...each })));
  const others = uses.emptied.filter(({ artifact }) => artifact.kind !== 'dataset');
  return [
    places.length === 0
      ? wrapped('No data set of this store holds the image. It is kept out of those to come.')
      : wrapped(`The image is ${times(places.length, 'row')} of ${times(rows.size, 'data set')}:`),
    ...some(
      places,
      ({ digest, split, row, name }) =>
        `${shortArtifact({ kind: 'dataset', digest })}, ${split} image ${row}${name === null ? '' : `: ${name}`}`,
    ),
    ...(called.length > 0 ? ['Embedded images and indexes call it:', ...some(called, (name) => visible(name))] : []),
    ...(sources.length > 1
      ? [wrapped(`Files of ${sources.length} digests show the very same; all of them are forgotten.`)]
      : []),
    ...(rows.size > 0 ? [wrapped('The files that hold it go, so these data sets cannot be trained on again.')] : []),
    ...(others.length > 0
      ? [
          'What was computed of it alone, or holds its file, goes too:',
          ...some(others, ({ artifact, files }) => `${shortArtifact(artifact)}: ${files.join(', ')}`),
        ]
      : []),
    ...(pages.length > 0
      ? [wrapped(`${times(pages.length, 'file')} of reports go; \`contrail report <run>\` writes a report anew.`)]
      : []),
    ...(untold.length > 0
      ? [
          wrapped(
            'These data sets are of an earlier version, which did not keep what its images were made from. Whether they hold it is not known:',
          ),
          ...some(untold, (digest) => shortArtifact({ kind: 'dataset', digest })),
        ]
      : []),
    ...madeWith(uses),
  ].join('\n');
}

function madeWith({ trained, models, indexes, runs, unknown }: FoundImage['uses']): string[] {
  return [
    ...(trained.length > 0
      ? [
          wrapped('These learnt from it, or were chosen by it. Weights cannot forget; train anew where they must:'),
          ...some(trained, shortArtifact),
        ]
      : []),
    ...(models.length > 0
      ? ['Models of these:', ...some(models, ({ model, version }) => `${model}, version ${version}`)]
      : []),
    ...lostIndexes(indexes ?? []),
    ...(runs.length > 0
      ? ['Runs that used it:', ...some(runs, ({ run, steps }) => `${run}: ${steps.join(', ')}`)]
      : []),
    ...(unknown.length > 0
      ? [
          wrapped('Files that programs of your own made in these runs; look yourself whether they hold it:'),
          ...some(unknown, shortArtifact),
        ]
      : []),
  ];
}

/** Models whose look-alikes end, and what brings them back. */
function lostIndexes(indexes: NonNullable<FoundImage['uses']['indexes']>): string[] {
  const byModel = new Map<string, string[]>();
  for (const { model, version, isCurrent } of indexes)
    byModel.set(model, [...(byModel.get(model) ?? []), `${version}${isCurrent ? ' (the current one)' : ''}`]);
  if (byModel.size === 0) return [];
  return [
    wrapped('Indexes of these models lose files and can no longer be searched; predictions go on without look-alikes:'),
    ...some([...byModel], ([model, versions]) => `${model}, version ${versions.join(', ')}`),
    wrapped(`To have look-alikes again, ${indexAgain()}. Both go on without the image.`),
  ];
}
