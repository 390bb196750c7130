import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { describer } from '../../cli/follow.ts';
import { createPace } from '../../cli/pace.ts';
import type { StepActivity } from '../../cli/pending.ts';
import type { StepStatus } from '../../contracts/status.ts';
import { stepTable } from '../../workflows/details.ts';

const training: StepStatus = {
  id: 'pretrain',
  uses: 'pretrain',
  needs: [],
  state: 'running',
  attempts: 1,
  reused: false,
  startedAt: '2026-11-24T10:00:00.000Z',
  endedAt: null,
  epoch: null,
  epochs: 10,
  metrics: null,
  result: null,
  error: null,
};
const metrics = { loss: 3.25, learningRate: 0.1, imagesPerSecond: 128, seconds: 60 };
const steps = (epoch: number, done: number): StepActivity => ({
  progress: { phase: `epoch ${epoch}`, done, total: 60, unit: 'steps' },
});

function watcher() {
  let time = 0;
  const describeStep = describer(createPace(() => time));
  return {
    pass: (seconds: number) => {
      time += seconds * 1000;
    },
    says: (step: StepStatus, activity?: StepActivity) =>
      stripVTControlCharacters(describeStep(step, activity)).replace(/^[█░]+ /, ''),
  };
}

describe('what is said of a promotion', () => {
  it('whether the model was promoted and why: by run, and in Temporal’s page', () => {
    const reason = 'top1 0.8, and version 3 has 0.82, on 62 test images: 1 image fewer';
    const result = { promoted: false, version: 3, reason, before: 0.82, after: 0.8 };
    const step: StepStatus = { ...training, id: 'promote', uses: 'promote', state: 'done', epochs: null, result };
    expect(watcher().says(step)).toBe(`not promoted: ${reason}`);
    expect(stepTable([step])).toContain(`not promoted: ${reason}`);
    const promoted = { ...step, result: { ...result, promoted: true, reason: 'the first model of this name' } };
    expect(watcher().says(promoted)).toBe('promoted: the first model of this name');
  });
});

describe('what is said of a running training', () => {
  it('that no worker has taken it up', () => {
    const waits = 'waits for a worker';
    expect(watcher().says(training, { waits })).toBe('waits for a worker');
    const later = { ...training, epoch: 3, metrics };
    expect(watcher().says(later, { waits })).toBe('waits for a worker, 3 of 10 epochs done, loss 3.2500');
  });

  it('which epoch it is in, and in the first how long it will take by what its steps took', () => {
    const { pass, says } = watcher();
    expect(says(training, steps(1, 6))).toBe('epoch 1 of 10');
    pass(24);
    expect(says(training, steps(1, 30))).toBe('epoch 1 of 10, 9 min 30 s left');
  });

  it('how long it will take by what its last epoch took', () => {
    const { says } = watcher();
    expect(says({ ...training, epoch: 4, metrics }, steps(5, 30))).toBe('epoch 5 of 10, loss 3.2500, 5 min 30 s left');
  });

  it('nothing of the time that preparations take', () => {
    const { pass, says } = watcher();
    const checking = { phase: 'checking images', done: 10, total: 100, unit: 'images' } as const;
    says(training, { progress: checking });
    pass(5);
    expect(says(training, { progress: { ...checking, done: 50 } })).toBe('checking images');
  });
});
