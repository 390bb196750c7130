import { count, times } from '../contracts/counted.ts';
import type { Drift } from '../contracts/drift.ts';
import { percent } from './format.ts';
import { shownSplit } from './shown-split.ts';

/** The verdict, as a heading. */
export const verdictText = ({ verdict }: Pick<Drift, 'verdict'>): string => verdictTexts[verdict];
const verdictTexts: Readonly<Record<Drift['verdict'], string>> = {
  drifted: 'The recent images have drifted',
  unchanged: 'The recent images are as those of the training',
  'too few': 'Too few images to say whether they have drifted',
};

/** What was compared with what, and how often unchanged images are called drifted. */
export function comparedText({ images, falseAlarms, verdict }: Drift): string {
  const { compared, reference, recent, seen, known, split } = images;
  const those = split === null ? 'images of the reference' : `${shownSplit(split)} images`;
  const without = seen > 0 ? `, ${count(seen)} that the training or the reference has too left out` : '';
  const level =
    verdict === 'too few'
      ? ''
      : ` All tests together call unchanged images drifted in ${percent(falseAlarms, 1)} of cases.`;
  return `Compared: ${count(compared)} of ${times(recent, 'recent image')}${without}, with ${count(reference)} ${those} that the encoder was not trained on; ${times(known, 'known image')} to find the nearest among. Of a group one image counts.${level}`;
}
