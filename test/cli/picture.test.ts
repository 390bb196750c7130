import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { drawPicture } from '../../cli/picture.ts';
import type { PipelineStatus, StepState } from '../../contracts/status.ts';

const statusOf = (states: readonly StepState[]): PipelineStatus => ({
  pipeline: 'shirts',
  state: 'running',
  steps: states.map((state, index) => ({
    id: `step-${index}`,
    uses: 'prepare-data',
    needs: [],
    state,
    attempts: index === 1 ? 3 : 1,
    reused: false,
    startedAt: null,
    endedAt: null,
    epoch: null,
    epochs: null,
    metrics: null,
    result: null,
    error: null,
  })),
});
const draw = (states: readonly StepState[], columns: number, rows: number) =>
  drawPicture('run-1', statusOf(states), () => 'epoch 3, loss 4.1, 120 images/s, 3 min left', { columns, rows }).map(
    stripVTControlCharacters,
  );

describe('the picture of a run', () => {
  it('has a line for each step in the order of the plan, with attempts beyond the first', () => {
    expect(draw(['done', 'running', 'waiting'], 100, 24)).toEqual([
      'shirts run-1  1 done, 1 waiting, 1 running',
      '  step-0  done       epoch 3, loss 4.1, 120 images/s, 3 min left',
      '  step-1  running    epoch 3, loss 4.1, 120 images/s, 3 min left, attempt 3',
      '  step-2  waiting    epoch 3, loss 4.1, 120 images/s, 3 min left',
    ]);
  });

  it('never wraps a line', () => {
    for (const line of draw(['done', 'running', 'waiting'], 30, 24)) expect(line.length).toBeLessThanOrEqual(30);
  });

  it('of more steps than there are lines shows those that matter, and how many it does not', () => {
    const states = Array.from({ length: 1000 }, (_, index): StepState => (index < 600 ? 'done' : 'waiting'));
    states[3] = 'failed';
    states[700] = 'running';
    const lines = draw(states, 80, 10);
    expect(lines).toHaveLength(8);
    expect(lines[0]).toContain('599 done, 399 waiting, 1 running, 1 failed');
    expect(lines[1]).toContain('step-3');
    expect(lines.some((line) => line.includes('step-700'))).toBe(true);
    expect(lines.at(-1)).toBe('  … 994 more steps');
  });
});
