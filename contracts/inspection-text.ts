import { count, times } from './counted.ts';
import { inspectDataResult } from './kinds/inspect-data.ts';
import type { StepStatus } from './status.ts';

/** What a look at a data set found, in a line: `12 leaks, 40 label suspects, 3 outliers`. Empty for steps that inspect nothing. */
export function inspectionText({ uses, result }: Pick<StepStatus, 'uses' | 'result'>): string {
  if (uses !== 'inspect-data') return '';
  const parsed = inspectDataResult.safeParse(result);
  if (!parsed.success) return '';
  const { copies, nearDuplicates, sameEmbedding, leaks, labelSuspects, outliers, alikeClasses } = parsed.data;
  const { lossSuspects = 0, bothSuspects = 0 } = parsed.data;
  const found = [
    leaks > 0 ? times(leaks, 'leak') : '',
    copies + nearDuplicates > 0 ? times(copies + nearDuplicates, 'duplicate') : '',
    sameEmbedding === null || sameEmbedding === 0 ? '' : `${times(sameEmbedding, 'image')} like another by embedding`,
    labelSuspects > 0 ? times(labelSuspects, 'label suspect') : '',
    lossSuspects > 0
      ? `${times(lossSuspects, 'label suspect')} by the loss, ${count(bothSuspects)} of them both ways`
      : '',
    outliers > 0 ? times(outliers, 'outlier') : '',
    alikeClasses > 0 ? times(alikeClasses, 'pair of classes alike', 'pairs of classes alike') : '',
  ].filter((each) => each !== '');
  return found.length === 0 ? `nothing odd in ${times(parsed.data.images, 'image')}` : found.join(', ');
}
