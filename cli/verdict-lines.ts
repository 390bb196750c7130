import { outcomeText } from '../contracts/outcome-text.ts';
import { oneLine } from '../contracts/short-text.ts';
import type { StepStatus } from '../contracts/status.ts';
import type { StoredStep } from './stored-run.ts';
import { forReading } from './wrapped.ts';

/**
 * What is to be said of a step, whole, where a picture or table of the steps had no room for it: a verdict and its reasons.
 *
 * @param drawn the picture or table
 * @param said the whole text; @default what the step came to
 */
export const verdictLines = (
  step: Pick<StepStatus | StoredStep, 'id' | 'uses' | 'result'>,
  drawn: string,
  said = step.uses === 'prepare-data' ? '' : outcomeText(step),
): string[] => (said === '' || drawn.includes(oneLine(said, said.length)) ? [] : [forReading(`${step.id}: ${said}`)]);
