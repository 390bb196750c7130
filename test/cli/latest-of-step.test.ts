import { describe, expect, it } from 'vitest';
import { latest } from '../../cli/commands/status.ts';
import { describer } from '../../cli/follow.ts';
import { verdictLines } from '../../cli/verdict-lines.ts';
import type { Json } from '../../contracts/json.ts';
import { passesText } from '../../contracts/passes-text.ts';
import type { StepStatus } from '../../contracts/status.ts';

const step: StepStatus = {
  ...{ id: 'step', uses: 'pretrain', needs: [], state: 'running', attempts: 1, reused: false, error: null },
  ...{ startedAt: null, endedAt: null, epoch: 2, epochs: 40, metrics: null, result: null },
};
const done = (uses: StepStatus['uses'], result: { readonly [name: string]: Json }): StepStatus => ({
  ...step,
  ...{ uses, result, state: 'done', epoch: null, epochs: null },
});
const artifact = (kind: string) => ({ kind, digest: 'a'.repeat(64) });

describe('the last column of `status`', () => {
  it.each([
    [
      'load-encoder',
      { encoder: artifact('encoder'), dimension: 768, names: 'timm' },
      'names of timm, 768 numbers an image',
    ],
    ['embed', { embeddings: artifact('embeddings'), images: 900, dimension: 768 }, '900 images, 768 numbers each'],
    ['adapt', { encoder: artifact('encoder'), loss: 1.25, images: 900 }, 'loss 1.2500, 900 images'],
    [
      'linear-probe',
      { classifier: artifact('classifier'), validationTop1: 0.93, learningRate: 0.01 },
      'validation top-1 0.9300, learning rate 0.01',
    ],
    [
      'linear-probe',
      { classifier: artifact('classifier'), validationTop1: null, learningRate: 0.1 },
      'no validation images, learning rate 0.1',
    ],
  ] as const)('says what %s came to', (uses, result, text) => expect(latest(done(uses, result))).toBe(text));

  it('says how often an epoch goes through the images, where a minimum of steps made it longer', () => {
    const metrics = { loss: 2.5, learningRate: 0.1, imagesPerSecond: 90, seconds: 12 };
    expect(latest({ ...step, metrics })).toBe('loss 2.5000');
    expect(latest({ ...step, metrics: { ...metrics, passes: 6.4 } })).toBe(
      'loss 2.5000, each epoch 6.4 times the images',
    );
    expect([1.2345, 17.04, 320.5].map(passesText)).toEqual(['1.2 times', '17 times', '321 times']);
  });
});

it('watching a run says so too, of what has no other number', () => {
  const embedded = done('embed', { embeddings: artifact('embeddings'), images: 900, dimension: 768 });
  expect(describer()(embedded, undefined)).toBe('900 images, 768 numbers each');
});

describe('a verdict that has no room', () => {
  const why = `${'12 % of the recent images are like no known image. '.repeat(5)}Look at them.`;
  const result = { drift: artifact('drift'), drifted: true, verdict: 'drifted', why, images: 90 };
  const stale = done('drift', { ...result, unknown: 0.12, expectedUnknown: 0.05, clusters: 0 });

  it('stands whole below what is drawn', () => {
    expect(verdictLines(stale, latest(stale))).toEqual([`step: drifted: ${why}`]);
    expect(verdictLines(stale, `drifted: ${why}`)).toEqual([]);
  });

  it('is not said twice of an error of several lines', () => {
    expect(verdictLines(stale, 'a b', 'a\nb')).toEqual([]);
    expect(verdictLines(stale, 'a …', 'a\nb')[0]).toMatch(/^step: a/);
  });
});

it('a step that waits for a slot says so, also one of many shards', () => {
  const waits = 'waits for a free slot of queue gpu';
  const running: StepStatus = { ...step, uses: 'embed-images', epoch: null, epochs: null };
  const progress = { phase: 'embedding', done: 0, total: 90, unit: 'images' } as const;
  expect(describer()(running, { waits })).toBe(waits);
  expect(describer()(running, { waits, progress })).toBe(waits);
  expect(describer()(running, { waits, progress: { ...progress, done: 40 } })).toBe(`${waits}, 40 of 90 images done`);
});
