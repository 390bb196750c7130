import { describe, expect, it } from 'vitest';
import { choosePassage, devicesHere } from '../../training/choose-replicas.ts';

/** Where the parts of a batch pass, by the setting `replicas` and what there is. */
const graph = { engine: 'graph', batch: 32, microbatch: 4 } as const;
const gpus = (count: number) => () => ({ kind: 'GPU', count }) as const;
const cpus = (count: number) => () => ({ kind: 'CPU', count }) as const;
const never = () => {
  throw new Error('nobody needs to know the devices');
};

describe('parts of a batch', () => {
  it('pass one after the other where nothing is asked for, on the device that TensorFlow chooses', () => {
    for (const asked of [undefined, 1])
      expect(choosePassage(asked, graph, never)).toMatchObject({ replicas: 1, parts: { count: 1, devices: [] } });
    expect(choosePassage(undefined, graph, never).said).toBeNull();
  });

  it('pass on as many GPUs as are asked for', () => {
    expect(choosePassage(4, graph, gpus(8))).toEqual({
      replicas: 4,
      parts: { count: 4, devices: [0, 1, 2, 3].map((at) => `/device:GPU:${at}`) },
      said: 'replicas: 4 of 8 GPUs; a batch of 32 images passes in 8 parts, 4 at a time',
    });
  });

  it('all pass at once where batch normalisation joins them, neighbours on one GPU', () => {
    const joined = { ...graph, syncBatchNorm: true };
    expect(choosePassage(2, joined, gpus(2)).parts.devices).toEqual(
      [0, 0, 0, 0, 1, 1, 1, 1].map((at) => `/device:GPU:${at}`),
    );
    expect(choosePassage(undefined, joined, never)).toEqual({
      replicas: 1,
      parts: { count: 8, devices: [] },
      said: 'syncBatchNorm: a batch of 32 images passes in 8 parts, all at once',
    });
  });

  it('are refused more GPUs than there are, with how many there are and what to do', () => {
    expect(() => choosePassage(4, graph, gpus(2))).toThrow(
      'replicas: 4 asks for 4 GPUs, and there are 2 here. Set replicas to 2 or auto, which changes no number, or let a worker with more GPUs serve the queue.',
    );
    expect(() => choosePassage(4, graph, gpus(1))).toThrow('and there is 1 here');
    expect(() => choosePassage(4, graph, cpus(1))).toThrow(
      'replicas: 4 asks for 4 GPUs, and there are 0 here. Set replicas to auto, which changes no number, or let a worker with GPUs serve the queue (`contrail doctor` says what is missing where there should be some).',
    );
    expect(() => choosePassage(4, graph, cpus(1))).toThrow(expect.objectContaining({ code: 'SetupFailed' }));
  });

  it('are refused a number of GPUs that does not divide them, before the GPUs are looked for', () => {
    expect(() => choosePassage(3, { ...graph, batch: 96, microbatch: 24 }, never)).toThrow(
      'replicas: 3 shares out the parts of a batch, and one of 96 images is in 4 parts (microbatch: 24). Set microbatch to 32, or to a divisor of it.',
    );
    expect(() => choosePassage(4, { ...graph, microbatch: 32 }, never)).toThrow(/is in one part. Set microbatch to 8/);
    expect(() => choosePassage(3, graph, never)).toThrow(/Choose a batch that is a multiple of 3/);
    expect(() => choosePassage(undefined, { ...graph, microbatch: 32, syncBatchNorm: true }, never)).toThrow(
      /syncBatchNorm joins the parts of a batch, and this batch has one/,
    );
  });

  it('need a graph to pass side by side', () => {
    const eager = { ...graph, engine: 'eager' } as const;
    expect(() => choosePassage(2, eager, never)).toThrow(
      'replicas: 2 is in the captured graph, so it needs engine: graph.',
    );
    expect(() => choosePassage(undefined, { ...eager, syncBatchNorm: true }, never)).toThrow(/syncBatchNorm is in/);
    expect(choosePassage('auto', eager, never).replicas).toBe(1);
  });

  it('pass on as many GPUs as there are and can be used, if that is left to Contrail', () => {
    const auto = (count: number) => choosePassage('auto', graph, gpus(count));
    expect([1, 2, 3, 4, 6, 8, 12].map((count) => auto(count).replicas)).toEqual([1, 2, 2, 4, 4, 8, 8]);
    expect(auto(8).said).toBe('replicas: auto, 8 of 8 GPUs; a batch of 32 images passes in 8 parts, all at once');
    expect(choosePassage('auto', { ...graph, microbatch: 32 }, gpus(4)).said).toBe(
      'replicas: auto, 1 of 4 GPUs; a batch of 32 images passes in one part; microbatch: 8 would use all 4',
    );
    expect(choosePassage('auto', graph, cpus(1))).toMatchObject({
      replicas: 1,
      parts: { count: 1, devices: [] },
      said: 'replicas: auto, 1 of 1 CPU; a batch of 32 images passes in 8 parts, 1 at a time',
    });
  });
});

describe('the devices of a machine without a GPU', () => {
  it('are one, or as many as are asked for', () => {
    expect(devicesHere({})).toEqual({ kind: 'CPU', count: 1 });
    expect(devicesHere({ CONTRAIL_CPU_DEVICES: '4' })).toEqual({ kind: 'CPU', count: 4 });
  });

  it.each(['0', '65', 'two', '', '1.5'])('are not %j', (given) => {
    expect(() => devicesHere({ CONTRAIL_CPU_DEVICES: given })).toThrow(
      `CONTRAIL_CPU_DEVICES is a whole number from 1 to 64, not "${given}".`,
    );
  });
});
