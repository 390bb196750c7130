import type { PredictionAnswer } from '../../contracts/serving.ts';
import { answerOf } from '../answers.ts';
import type { Computed } from '../compute.ts';
import { evidenceOf } from '../evidence.ts';
import { rowsOf } from './answer.ts';
import { HttpError } from './http-error.ts';
import type { LiveKnowing } from './live-knowing.ts';
import type { ServedNow } from './using-index.ts';

/** Classes that are named besides the likeliest. */
const otherGuesses = 4;

/**
 * What the model says of each photo: its class, whether it is known, and the look-alikes that speak for it.
 *
 * @throws HttpError NotAvailable where nothing can name a class
 */
export async function predictionsOf(
  served: Pick<ServedNow, 'index' | 'by' | 'about'> & { readonly knowing: Pick<LiveKnowing, 'now'> },
  computed: readonly Computed[],
  k: number,
): Promise<readonly PredictionAnswer[]> {
  const { about, knowing, index, by } = served;
  const found = await evidenceOf(
    { index, knowing: knowing.now(), classes: about.classifier?.classes ?? [] },
    computed,
    k,
  );
  return Promise.all(
    found.map(async ({ evidence, hits }) => {
      const answer = answerOf(evidence, otherGuesses);
      if (!answer)
        throw new HttpError(
          'NotAvailable',
          `${by.model} names no class: it has no classifier, and its index no labels.`,
        );
      const { label, confidence, calibrated, others, unknown, alike, because } = answer;
      return {
        ...{ label, confidence, calibrated, unknown, alike, because, neighbours: [...(await rowsOf(served, hits))] },
        guesses: [{ label, confidence }, ...others],
      };
    }),
  );
}
