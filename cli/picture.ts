import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';
import { times } from '../contracts/counted.ts';
import type { PipelineStatus, StepState, StepStatus } from '../contracts/status.ts';
import { coloured } from './output.ts';

const widestId = 40;
const stateWidth = 9;

/** Steps that a person wants to see first where there is no room for all. */
const urgency: Readonly<Record<StepState, number>> = {
  failed: 0,
  paused: 0,
  running: 1,
  waiting: 2,
  cancelled: 3,
  done: 4,
  skipped: 5,
};

/**
 * The picture of a run for a terminal: its steps in the order of the plan, as many as there is room for.
 *
 * @param describe what to say of a step after its state
 */
export function drawPicture(
  run: string,
  { pipeline, steps }: PipelineStatus,
  describe: (step: StepStatus) => string,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): string[] {
  const room = Math.max(1, rows - 3);
  const shown = steps.length <= room ? steps : mostUrgent(steps, room - 1);
  const width = Math.min(widestId, Math.max(...shown.map(({ id }) => id.length)));
  const lines = shown.map((step) => {
    const attempts = step.attempts > 1 ? pc.yellow(`attempt ${step.attempts}`) : '';
    const said = [describe(step), attempts].filter(Boolean).join(', ');
    const id = step.id.length > width ? `${step.id.slice(0, width - 1)}…` : step.id.padEnd(width);
    return cut(`  ${id}  ${coloured(step.state.padEnd(stateWidth))}  ${said}`, columns);
  });
  const hidden = steps.length - shown.length;
  return [
    cut(`${pc.bold(pipeline)} ${pc.dim(run)}  ${counts(steps)}`, columns),
    ...lines,
    ...(hidden > 0 ? [pc.dim(cut(`  … ${times(hidden, 'more step')}`, columns))] : []),
  ];
}

/** 3 done, 1 running, 2 waiting */
function counts(steps: readonly StepStatus[]): string {
  const states = (Object.keys(urgency) as StepState[]).toSorted((a, b) => urgency[b] - urgency[a]);
  return states
    .flatMap((state) => {
      const count = steps.filter((step) => step.state === state).length;
      return count > 0 ? [`${count} ${state}`] : [];
    })
    .join(', ');
}

function mostUrgent(steps: readonly StepStatus[], room: number): readonly StepStatus[] {
  const chosen = new Set(steps.toSorted((a, b) => urgency[a.state] - urgency[b.state]).slice(0, Math.max(1, room)));
  return steps.filter((step) => chosen.has(step));
}

/** A line that would wrap loses its colours and its end: a wrapped line cannot be redrawn in place. */
function cut(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, Math.max(1, columns - 1))}…`;
}
