import { describe, expect, it } from 'vitest';
import { pretrainParameters } from '../../contracts/kinds/pretrain.ts';
import { decide, newWatch, nonFiniteLoss, observe, type WatchedEpoch, watchRules } from '../../contracts/watch.ts';
import {
  afterEpoch,
  backTo,
  changed,
  earlierConfigs,
  followsFromPlan,
  markUpTo,
  newCourse,
  refusalOf,
  retriesFor,
} from '../../workflows/course.ts';

type Values = Parameters<typeof newCourse>[0];
const parameters = (settings: object = {}) => JSON.parse(JSON.stringify(pretrainParameters.parse(settings))) as Values;

/** The findings, by epoch, of a training with these losses. */
function findings(settings: object, losses: readonly number[], facts: Partial<WatchedEpoch> = {}) {
  const rules = watchRules(parameters(settings));
  let watch = newWatch;
  return losses.map((loss, index) => {
    const seen = observe(watch, { epoch: index + 1, loss, seconds: 60, ...facts }, rules);
    watch = seen.watch;
    return seen.finding && `${seen.finding.rule} since ${seen.finding.goodEpoch}`;
  });
}

describe('a training', () => {
  it('is well while its loss falls', () => {
    expect(findings({}, [3, 2, 1], { collapsedLoss: 5, withoutPositives: 0 })).toEqual([null, null, null]);
  });

  it('has collapsed when its loss stays where all projections are equal', () => {
    const health = { collapse: { epochs: 2 } };
    expect(findings({ health }, [4, 5.001, 4.999, 5], { collapsedLoss: 5 })).toEqual([
      null,
      null,
      'collapse since 1',
      'collapse since 1',
    ]);
    expect(findings({ health: { collapse: { action: 'ignore' } } }, [5, 5, 5, 5, 5, 5], { collapsedLoss: 5 })).toEqual(
      Array(6).fill(null),
    );
  });

  it('has batches without positives', () => {
    expect(findings({}, [4], { withoutPositives: 0.51 })).toEqual(['withoutPositives since 0']);
    expect(findings({}, [4], { withoutPositives: 0.5 })).toEqual([null]);
  });

  it('is told to raise its batch only where that helps', () => {
    const advice = (withoutPositives: number, sampler?: object) => {
      const rules = watchRules({ ...parameters({}), ...(sampler ? { sampler } : {}) } as Parameters<
        typeof watchRules
      >[0]);
      const epoch = { epoch: 1, loss: 4, seconds: 60, withoutPositives };
      return observe(newWatch, epoch, rules).finding?.message.split('. ').at(-1);
    };
    expect(advice(0.8)).toBe('Raise batch, or draw balanced batches (sampler)');
    expect(advice(1)).toBe('Add images to the classes: no batch helps where each class has one');
    expect(advice(1, { balanced: { perClass: 1 } })).toBe('Raise sampler.balanced.perClass to 2 or more');
  });

  it('is on a plateau when the loss no longer falls by enough', () => {
    const health = { plateau: { epochs: 2, minimumDelta: 0.1 } };
    expect(findings({ health }, [3, 2.95, 2.85, 2.8, 2.79])).toEqual([null, null, null, null, 'plateau since 3']);
  });

  it('stops after its patience, or when its time is spent', () => {
    expect(findings({ stop: { patience: 2 } }, [3, 2, 2, 2.5])).toEqual([null, null, null, 'patience since 2']);
    expect(findings({ stop: { after: '2m' } }, [3, 2])).toEqual([null, 'time since 2']);
  });
});

describe('what is done about a finding', () => {
  it('is tried so many times, and then something else', () => {
    const rules = watchRules(
      parameters({ health: { nonFiniteLoss: { action: 'retry' }, retry: { times: 2, factor: 0.1 } } }),
    );
    const finding = nonFiniteLoss(3, 'The loss became NaN.', rules);
    expect([0, 1, 2].map((before) => decide(finding, rules, before))).toEqual([
      { do: 'retry', factor: 0.1 },
      { do: 'retry', factor: 0.1 },
      { do: 'fail' },
    ]);
  });

  it('goes back to the last good epoch, and remembers what the epochs before were trained with', () => {
    const mark = (epoch: number, loss: number) => ({
      epoch,
      digest: String(epoch),
      metrics: { loss, learningRate: 0.1, imagesPerSecond: 1, seconds: 1, collapsedLoss: 5 },
      best: { epoch: 1, loss: 4 },
    });
    let course = newCourse(
      parameters({ optimizer: { name: 'adam', learningRate: 0.1 }, health: { collapse: { epochs: 2 } } }),
    );
    let seen = afterEpoch(course, mark(1, 4));
    for (const epoch of [2, 3]) seen = afterEpoch(seen.course, mark(epoch, 5));
    const { finding } = seen;
    if (!finding) throw new Error('it has collapsed');
    expect(markUpTo(seen.course, finding.goodEpoch)?.epoch).toBe(1);
    course = backTo(seen.course, 1, 0.5, finding);
    expect(course.changes).toEqual([
      {
        after: 1,
        path: 'optimizer.learningRate',
        from: 0.1,
        to: 0.05,
        by: 'health',
        why: expect.stringMatching(/^collapse: /),
      },
    ]);
    expect(retriesFor(course, 'collapse')).toBe(1);
    expect(retriesFor(course, 'plateau')).toBe(0);
    expect(course.marks.map(({ epoch }) => epoch)).toEqual([1]);
    course = backTo(course, 1, 0.5, finding);
    const earlier = earlierConfigs(course, 'f'.repeat(64));
    expect(earlier?.map(({ through, config }) => [through, config.optimizer])).toEqual([
      [1, expect.objectContaining({ learningRate: 0.1 })],
    ]);
    expect(followsFromPlan(course)).toBe(false);
  });
});

describe('a change of a running training', () => {
  const course = newCourse(parameters({ epochs: 10 }));

  it('may end it later or sooner, but not before the epoch that is under way', () => {
    expect(refusalOf(course, { path: 'epochs', value: 80 }, 5)).toBeNull();
    expect(refusalOf(course, { path: 'epochs', value: 5 }, 5)).toBeNull();
    expect(refusalOf(course, { path: 'epochs', value: 4 }, 5)).toContain('Epoch 5 is under way');
  });

  it('is not taken where the schedule follows from the length', () => {
    const cosine = newCourse(parameters({ epochs: 10, schedule: 'cosine' }));
    expect(refusalOf(cosine, { path: 'epochs', value: 80 }, 5)).toContain('the learning rates of the cosine schedule');
  });

  it('leaves the result to other runs only where the plan says the same', () => {
    const change = { after: 5, path: 'epochs', to: 80, why: '' };
    expect(followsFromPlan(changed(course, { ...change, by: 'resume' }))).toBe(true);
    expect(followsFromPlan(changed(course, { ...change, by: 'set' }))).toBe(false);
  });
});
