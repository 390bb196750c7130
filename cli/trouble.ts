import pc from 'picocolors';
import { oneLine } from '../contracts/short-text.ts';
import type { PipelineStatus, StepStatus, StepTrouble } from '../contracts/status.ts';
import { formatSeconds } from './output.ts';
import type { Activities } from './pending.ts';

/** What a person reads of a step that is tried again: which attempt, what the last one failed with, when the next begins. */
export function troubleText({ attempt, error, nextTry, stuck }: StepTrouble, now: number = Date.now()): string {
  const reason = oneLine(error.message) || error.type;
  const next =
    nextTry === null
      ? `attempt ${attempt} is under way or due`
      : `attempt ${attempt} in ${formatSeconds((Date.parse(nextTry) - now) / 1000)}`;
  return stuck
    ? `${pc.red(`stuck: failed ${attempt - 1} times`)}, the last time: ${reason} (${next})`
    : `${pc.yellow(`attempt ${attempt - 1} failed`)}: ${reason} (${next})`;
}

/** A status with what Temporal knows of attempts that failed. */
export const withTrouble = (status: PipelineStatus, activities: Activities): PipelineStatus => ({
  ...status,
  steps: status.steps.map((step) => stepWithTrouble(step, activities)),
});

function stepWithTrouble(step: StepStatus, activities: Activities): StepStatus {
  const trouble = activities[step.id]?.trouble;
  // The workflow hears of attempts once the work has ended.
  return trouble ? { ...step, attempts: step.attempts + trouble.attempt - 1, trouble } : step;
}

/** Steps that failed, and those that had to be given up with them; not what a person cancelled. @param steps in the order of the plan */
export function lostToFailures(steps: readonly Pick<StepStatus, 'id' | 'needs' | 'state'>[]): ReadonlySet<string> {
  const lost = new Set<string>();
  for (const { id, needs, state } of steps)
    if (state === 'failed' || (state !== 'done' && needs.some((need) => lost.has(need)))) lost.add(id);
  return lost;
}

/** What a reader must know of steps that are lost without the run having failed. */
export function toleratedLines(
  steps: readonly Pick<StepStatus, 'id' | 'item' | 'needs' | 'state' | 'tolerated' | 'error'>[],
): string[] {
  const lostOnes = lostToFailures(steps);
  const lost = steps.filter(({ id, tolerated }) => tolerated && lostOnes.has(id));
  return lost.length === 0
    ? []
    : [
        `${pc.yellow(`${lost.length} lost, which the pipeline tolerates`)}:`,
        ...lost
          .slice(0, mostLines)
          .map(
            ({ id, item, error }) =>
              `  ${id}${item === undefined ? '' : ` ${item}`}: ${error ? oneLine(error.message) : 'not done'}`,
          ),
        ...(lost.length > mostLines ? [`  and ${lost.length - mostLines} more`] : []),
      ];
}
const mostLines = 20;

/** A line for each step that is tried again. */
export const troubleLines = (steps: readonly StepStatus[]): string[] =>
  steps.flatMap(({ id, trouble }) => (trouble ? [`${id}: ${troubleText(trouble)}`] : []));
