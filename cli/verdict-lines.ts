import { outcomeText } from '../contracts/outcome-text.ts';
import { oneLine } from '../contracts/short-text.ts';
import type { StepStatus } from '../contracts/status.ts';
import type { StoredStep } from './stored-run.ts';
import { forReading } from './wrapped.ts';

/** What a step came to or failed with, whole, where a picture or table of the steps had no room for it: a verdict and its reasons. */
export function verdictLines(step: StepStatus | StoredStep, drawn: string): string[] {
  const said = step.error?.message ?? (step.uses === 'prepare-data' ? '' : outcomeText(step));
  return said === '' || drawn.includes(oneLine(said, said.length)) ? [] : [forReading(`${step.id}: ${said}`)];
}
