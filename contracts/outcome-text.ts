import { dataHeadline } from './data-account.ts';
import { driftText } from './drift-text.ts';
import { modelAtWorkText } from './embedded-text.ts';
import { inspectionText } from './inspection-text.ts';
import { promotionText } from './promotion-text.ts';
import { noQueriesText } from './retrieval-text.ts';
import type { StepStatus } from './status.ts';

/** Each speaks of its own kinds of steps, and is empty for all others. */
const texts = [promotionText, dataHeadline, modelAtWorkText, inspectionText, driftText, noQueriesText];

/** What a step came to, where that is more than its numbers say; empty for other steps, and before there is a result. */
export function outcomeText(step: Pick<StepStatus, 'uses' | 'result'>): string {
  for (const text of texts) {
    const said = text(step);
    if (said !== '') return said;
  }
  return '';
}
