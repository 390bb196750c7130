import { count, times } from '../../contracts/counted.ts';
import type { Drift } from '../../contracts/drift.ts';

type Measured = Pick<Drift, 'images' | 'embeddings' | 'unknown' | 'classes' | 'looks' | 'news'>;

/** Classes named in a sentence. */
const namedClasses = 3;

/**
 * Judges what was measured: a difference counts where chance gives it seldom, and where it is large enough to matter. Each test may
 * take an equal part of the false alarms (Bonferroni).
 *
 * @param falseAlarms how often unchanged images may be called drifted
 * @param least smaller differences are no drift
 */
export function judge(
  measured: Measured,
  { falseAlarms, least }: { readonly falseAlarms: number; readonly least: number },
): Pick<Drift, 'verdict' | 'reasons' | 'level'> {
  const { images, embeddings, unknown, classes, looks } = measured;
  const level = levelOf(measured, falseAlarms);
  const counts = (p: number, difference: number) => p <= level && difference >= least;
  const reasons = [
    ...(unknown && counts(unknown.p, unknown.share - unknown.expected)
      ? [unknownReason(unknown), ...news(measured)]
      : []),
    ...(embeddings && counts(embeddings.p, embeddings.effect)
      ? [
          `The embeddings as a whole differ from those of held-out images by ${embeddings.effect.toFixed(2)} deviations (${chance(embeddings.p)}).`,
        ]
      : []),
    ...(classes && counts(classes.p, classes.distance) ? [classesReason(classes)] : []),
    ...(looks && looks.p <= level ? looksReasons(looks, least) : []),
  ];
  if (reasons.length > 0) return { verdict: 'drifted', reasons, level };
  return {
    verdict: 'unchanged',
    reasons: [
      `No difference was found between ${times(images.compared, 'recent image')} and ${times(images.reference, 'held-out one')} that matters and is not chance.`,
    ],
    level,
  };
}

/** What each of the tests that were done may take of the false alarms. */
const levelOf = ({ embeddings, unknown, classes, looks }: Measured, falseAlarms: number): number =>
  falseAlarms / Math.max(1, [embeddings, unknown, classes, looks].filter((each) => each !== null).length);

function unknownReason({ share, low, high, expected }: NonNullable<Drift['unknown']>): string {
  return `${percent(share)} of the recent images are like no known image, where ${percent(expected)} of held-out ones are (95 % interval ${percent(low)} to ${percent(high)}).`;
}

function news({ news: found }: Measured): string[] {
  const [largest, ...more] = found?.clusters ?? [];
  if (!largest) return [];
  const near = largest.near ? `, nearest to ${largest.near.class}` : '';
  return [
    `${times(largest.size, 'image')} look like one new thing${near}${more.length > 0 ? `; ${times(more.length, 'smaller cluster')} besides` : ''}.`,
  ];
}

function classesReason({ distance, p, listed }: NonNullable<Drift['classes']>): string {
  const changes = listed
    .slice(0, namedClasses)
    .map((each) => `${each.class} ${percent(each.recent.share)} for ${percent(each.reference.share)}`)
    .join(', ');
  return `Classes have other shares: ${changes}; ${percent(distance)} of the images in all (${chance(p)}).`;
}

const looksTexts = {
  brightness: { lower: 'darker', higher: 'brighter' },
  contrast: { lower: 'of less contrast', higher: 'of more contrast' },
  saturation: { lower: 'paler', higher: 'more colourful' },
} as const;

function looksReasons({ p, of }: NonNullable<Drift['looks']>, least: number): string[] {
  const largest = Math.max(...of.map(({ statistic }) => statistic));
  return of
    .filter(({ statistic }) => statistic === largest && statistic >= least)
    .map(({ name, recent, reference }) => {
      const { lower, higher } = looksTexts[name];
      const how = recent < reference ? lower : higher;
      return `The images are ${how}: mean ${name} ${recent.toFixed(3)} for ${reference.toFixed(3)} (${chance(p)}).`;
    });
}

/** Why there is no verdict. */
export function tooFew({ compared, reference, seen }: Drift['images'], minimum: number): string {
  if (compared >= minimum)
    return `${times(reference, 'held-out image')} in the reference, and a verdict takes ${count(minimum)}; of a group one counts.`;
  const besides = seen > 0 ? `, beside ${count(seen)} that the training or the reference has too` : '';
  return `${times(compared, 'recent image')}${besides}, and a verdict takes ${count(minimum)}; of a group one counts.`;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const chance = (p: number) => (p < 0.001 ? 'p < 0.001' : `p ${p.toFixed(3)}`);
