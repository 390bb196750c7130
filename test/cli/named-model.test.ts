import { describe, expect, it } from 'vitest';
import { namedModel } from '../../cli/named-model.ts';

const what = 'Name what to serve';

describe('a model that a command names', () => {
  it('is a run, perhaps a step of it, or a promoted model', () => {
    expect(namedModel({ run: 'r-1' }, what)).toEqual({ run: 'r-1' });
    expect(namedModel({ run: 'r-1', step: 'pretrain' }, what)).toEqual({ run: 'r-1', step: 'pretrain' });
    expect(namedModel({ run: undefined, model: 'shirts' }, what)).toEqual({ model: 'shirts' });
  });

  it.each([
    ['nothing', { run: undefined }, 'Name what to serve: either a run, or a model with --model.'],
    ['both', { run: 'r-1', model: 'shirts' }, 'Name what to serve: either a run, or a model with --model.'],
    ['a step of a model', { run: undefined, model: 'shirts', step: 'pretrain' }, '--step chooses in a run'],
    ['a photo', { run: import.meta.filename }, 'is a file or folder. Before it stands a run, or a model with --model.'],
    ['what is no run id', { run: '../r' }, 'run id'],
    ['what is no model name', { run: undefined, model: '../m' }, 'model name'],
  ])('is not %s', (_, given, said) => expect(() => namedModel(given, what)).toThrow(said));
});
