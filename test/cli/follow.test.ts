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

it('says what a look at the data found', () => {
  const result = {
    inspection: { kind: 'inspection', digest: 'a'.repeat(64) },
    ...{ images: 1200, copies: 2, nearDuplicates: 1, sameEmbedding: null, leaks: 1, labelSuspects: 40 },
    ...{ outliers: 0, alikeClasses: 0, largestToSmallest: 3 },
  };
  const step: StepStatus = { ...training, id: 'health', uses: 'inspect-data', state: 'done', epochs: null, result };
  expect(watcher().says(step)).toBe('1 leak, 3 duplicates, 40 label suspects');
  expect(
    watcher().says({ ...step, result: { ...result, leaks: 0, copies: 0, nearDuplicates: 0, labelSuspects: 0 } }),
  ).toBe('nothing odd in 1\u202f200 images');
});

describe('what is said of a measure', () => {
  const said = (uses: StepStatus['uses'], result: StepStatus['result']) =>
    watcher().says({ ...training, id: 'measure', uses, state: 'done', epochs: null, result });
  const counts = { copies: 2, nearLeaks: 1, embeddingLeaks: null };

  it('what it is with the images that leak, or without them where they are kept', () => {
    const both = { allTop1: 0.92, cleanTop1: 0.9, ...counts };
    expect(said('evaluate', { top1: 0.9, knn: 0.8, ...both })).toBe(
      'top1 0.9000 (0.9200 with 3 leaks: 2 exact copies, 1 near duplicate), knn 0.8000',
    );
    expect(said('evaluate', { top1: 0.92, knn: 0.8, ...both })).toBe(
      'top1 0.9200 (0.9000 without 3 leaks: 2 exact copies, 1 near duplicate), knn 0.8000',
    );
    const found = { recallAt1: 0.5, allRecallAt1: 0.6, cleanRecallAt1: 0.5, mapAtR: 0.4, ...counts, nearLeaks: null };
    expect(said('retrieval', found)).toBe('recallAt1 0.5000 (0.6000 with 2 leaks: 2 exact copies), mapAtR 0.4000');
  });

  it('that nothing was left, nothing where none leaks, and what earlier versions found', () => {
    const nothing = { top1: null, knn: null, allTop1: 0.99, cleanTop1: null, ...counts, nearLeaks: null };
    expect(said('evaluate', nothing)).toBe('no top1 (0.9900 with 2 leaks: 2 exact copies)');
    const clean = { top1: 0.9, knn: 0.8, allTop1: 0.9, cleanTop1: 0.9, copies: 0, nearLeaks: 0, embeddingLeaks: 0 };
    expect(said('evaluate', clean)).toBe('top1 0.9000, knn 0.8000');
    expect(said('evaluate', { ...clean, weakest: { class: 'coat\n', right: 0, images: 8 } })).toBe(
      'top1 0.9000, knn 0.8000, weakest class coat\\n: 0 of 8 right',
    );
    expect(said('evaluate', { top1: 0.9, knn: 0.8, copies: 2, cleanTop1: 0.85 })).toBe(
      'top1 0.9000 (0.8500 without 2 leaks: 2 exact copies), knn 0.8000',
    );
    expect(said('retrieval', { recallAt1: 0.5, mapAtR: 0.4, copies: 2, recallAt1WithCopies: 0.6 })).toBe(
      'recallAt1 0.5000, mapAtR 0.4000',
    );
  });
});

it('says that a search measured nothing, and why: by run, and in Temporal’s page', () => {
  const result = { queries: 0, lone: 4, recallAt1: null, mapAtR: null, copies: 0, equalErrorRate: null };
  const step: StepStatus = { ...training, id: 'search', uses: 'retrieval', state: 'done', epochs: null, result };
  const text = 'nothing measured, no query is left: 4 images have no other of their class in the gallery';
  expect(watcher().says(step)).toBe(text);
  expect(stepTable([step])).toContain(text);
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
