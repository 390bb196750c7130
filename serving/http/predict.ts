import type { PredictionAnswer } from '../../contracts/serving.ts';
import { answerOf, voters } from '../answers.ts';
import type { Computed } from '../compute.ts';
import { neighboursOf } from './answer.ts';
import { HttpError } from './http-error.ts';
import type { ServedNow } from './using-index.ts';

/** Classes that are named besides the likeliest. */
const otherGuesses = 4;

/**
 * What the model says of each photo: its class, whether it is known, and the look-alikes that speak for it.
 *
 * @throws HttpError NotAvailable where nothing can name a class
 */
export async function predictionsOf(
  served: Pick<ServedNow, 'index' | 'by' | 'about' | 'calibration'>,
  computed: readonly Computed[],
  k: number,
): Promise<readonly PredictionAnswer[]> {
  const { about, calibration, index, by } = served;
  // How many are shown must not change which class the neighbours vote for.
  const found = await neighboursOf(served, computed, about.classifier ? k : Math.max(k, voters));
  return computed.map(({ logits }, at) => {
    const neighbours = found[at] ?? [];
    const answer = answerOf(
      {
        ...{ logits, calibration },
        classes: about.classifier?.classes ?? [],
        neighbours: index ? neighbours : null,
      },
      otherGuesses,
    );
    if (!answer)
      throw new HttpError('NotAvailable', `${by.model} names no class: it has no classifier, and its index no labels.`);
    const { label, confidence, calibrated, others, unknown, alike, because } = answer;
    return {
      ...{ label, confidence, calibrated, unknown, alike, because, neighbours: neighbours.slice(0, k) },
      guesses: [{ label, confidence }, ...others],
    };
  });
}
