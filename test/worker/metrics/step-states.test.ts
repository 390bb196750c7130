import { describe, expect, it } from 'vitest';
import type { PipelineStatus, StepState } from '../../../contracts/status.ts';
import { createStepStates } from '../../../worker/metrics/step-states.ts';

const run = (name: string, pipeline = 'p') => ({ run: name, pipeline });
const answering =
  (states: Readonly<Record<string, Readonly<Record<string, StepState>> | null>>, asked: string[] = []) =>
  async (name: string): Promise<PipelineStatus | null> => {
    asked.push(name);
    const steps = states[name];
    return steps
      ? ({ steps: Object.entries(steps).map(([id, state]) => ({ id, state })) } as unknown as PipelineStatus)
      : null;
  };
const many = (count: number) => Array.from({ length: count }, (_, at) => run(`r${at}`));

describe('the states of steps', () => {
  it('are counted over all runs of a pipeline, and over all steps of a matrix', async () => {
    const states = createStepStates();
    await states.look(
      [run('one'), run('two'), run('three', 'q')],
      answering({
        one: { data: 'done', 'train@seed=1': 'running', 'train@seed=2': 'waiting' },
        two: { data: 'running', 'train@seed=1': 'waiting', 'train@seed=2': 'waiting' },
        three: { data: 'paused' },
      }),
    );
    expect(states.counts()).toEqual([
      { pipeline: 'p', step: 'data', state: 'done', count: 1 },
      { pipeline: 'p', step: 'train', state: 'running', count: 1 },
      { pipeline: 'p', step: 'train', state: 'waiting', count: 3 },
      { pipeline: 'p', step: 'data', state: 'running', count: 1 },
      { pipeline: 'q', step: 'data', state: 'paused', count: 1 },
    ]);
  });

  it('of a run go when it has ended, and while it does not answer', async () => {
    const states = createStepStates();
    await states.look([run('one'), run('two')], answering({ one: { a: 'running' }, two: { b: 'running' } }));
    await states.look([run('two')], answering({ two: null }));
    expect(states.counts()).toEqual([]);
    await states.look([run('two')], answering({ two: { b: 'done' } }));
    expect(states.counts()).toEqual([{ pipeline: 'p', step: 'b', state: 'done', count: 1 }]);
  });

  it('are asked of a few runs at each look, and of all in turn', async () => {
    const states = createStepStates({ mostAsked: 20 });
    const asked: string[] = [];
    const ask = answering(Object.fromEntries(many(50).map((each) => [each.run, { a: 'running' as const }])), asked);
    for (const total of [20, 40, 50]) {
      asked.length = 0;
      await states.look(many(50), ask);
      expect(asked).toHaveLength(20);
      expect(states.counts()).toEqual([{ pipeline: 'p', step: 'a', state: 'running', count: total }]);
    }
    expect(asked.slice(0, 10)).toEqual(
      many(50)
        .slice(40)
        .map((each) => each.run),
    );
    expect(asked.slice(10)).toEqual(many(10).map((each) => each.run));
  });

  it('have a limit, whatever runs there are', async () => {
    const states = createStepStates({ mostSeries: 3 });
    await states.look(
      many(5),
      answering(
        Object.fromEntries(many(5).map(({ run: name }) => [name, { [name]: 'waiting' as const, a: 'done' as const }])),
      ),
    );
    expect(states.counts()).toHaveLength(3);
    expect(states.counts()[1]).toEqual({ pipeline: 'p', step: 'a', state: 'done', count: 5 });
  });
});
