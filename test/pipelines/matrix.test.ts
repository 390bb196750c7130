import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json } from '../../contracts/json.ts';
import { findReferences } from '../../pipelines/language/expressions/references.ts';
import { resolveResults } from '../../pipelines/language/index.ts';
import { combinationsOf, memberIds } from '../../pipelines/language/read/matrix.ts';
import { planOf } from './plan.ts';

const valuesOf = (matrix: Record<string, Json>) => combinationsOf(matrix).combinations;

describe('the combinations of a matrix', () => {
  it('are all of its lists, the last changing fastest', () =>
    expect(valuesOf({ seed: [0, 1], rate: [0.1, 0.2] })).toEqual([
      { seed: 0, rate: 0.1 },
      { seed: 0, rate: 0.2 },
      { seed: 1, rate: 0.1 },
      { seed: 1, rate: 0.2 },
    ]));

  it('lack those that have all the values of an exclude', () =>
    expect(valuesOf({ seed: [0, 1], rate: [0.1, 0.2], exclude: [{ seed: 1, rate: 0.1 }, { rate: 0.2 }] })).toEqual([
      { seed: 0, rate: 0.1 },
    ]));

  it("are widened by include as in GitHub Actions' own example", () =>
    expect(
      valuesOf({
        fruit: ['apple', 'pear'],
        animal: ['cat', 'dog'],
        include: [
          { color: 'green' },
          { color: 'pink', animal: 'cat' },
          { fruit: 'apple', shape: 'circle' },
          { fruit: 'banana' },
          { fruit: 'banana', animal: 'cat' },
        ],
      }),
    ).toEqual([
      { fruit: 'apple', animal: 'cat', color: 'pink', shape: 'circle' },
      { fruit: 'apple', animal: 'dog', color: 'green', shape: 'circle' },
      { fruit: 'pear', animal: 'cat', color: 'pink' },
      { fruit: 'pear', animal: 'dog', color: 'green' },
      { fruit: 'banana' },
      { fruit: 'banana', animal: 'cat' },
    ]));

  it('can be of include alone', () =>
    expect(valuesOf({ include: [{ seed: 1 }, { seed: 2, rate: 0.5 }] })).toEqual([
      { seed: 1 },
      { seed: 2, rate: 0.5 },
    ]));

  it('get different ids that are ids, whatever the values', () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(value, { minLength: 1, maxLength: 8, selector: (each) => JSON.stringify(each) }),
        (values) => {
          const ids = memberIds(
            'pretrain',
            values.map((each) => ({ x: each })),
          );
          expect(new Set(ids).size).toBe(values.length);
          for (const id of ids) {
            expect(id).toMatch(/^pretrain@[A-Za-z0-9=,._-]{1,120}$/);
            const text = `\${steps.${id}.result.loss}`;
            expect(findReferences(text)[0]?.reference).toEqual({ of: 'steps', step: id, path: ['loss'] });
          }
        },
      ),
    );
  });

  it('of mappings are their words, in whatever order they are written', () => {
    const losses = [
      { supcon: { temperature: 0.1, variant: 'in' } },
      { triplet: { margin: 'soft' } },
      { multiSimilarity: {} },
      'arcFace',
    ];
    expect(
      memberIds(
        'a',
        losses.map((loss) => ({ loss, seed: 0 })),
      ),
    ).toEqual([
      'a@loss=supcon-temperature-0.1-variant-in,seed=0',
      'a@loss=triplet-margin-soft,seed=0',
      'a@loss=multiSimilarity,seed=0',
      'a@loss=arcFace,seed=0',
    ]);
    const [one, other] = [
      { hidden: 512, output: 128 },
      { output: 128, hidden: 512 },
    ];
    expect(memberIds('a', [{ head: one }])).toEqual(memberIds('a', [{ head: other }]));
    expect(memberIds('a', [{ blocks: [1, 2, 1] }, { blocks: [] }])).toEqual(['a@blocks=1-2-1', 'a@blocks=empty']);
  });

  it('of mappings that have the same words, or many, carry a digest, which no other step of the matrix changes', () => {
    const long = { augmentation: Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`operation${at}`, at])) };
    const same = [{ x: { a: { b: 1 } } }, { x: { a: 'b-1' } }];
    const ids = memberIds('a', [{ x: long }, ...same]);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^a@x=a[A-Za-z0-9-]{2,23}-[0-9a-f]{14}$/);
    expect(memberIds('a', [...same, { x: long }])).toEqual([ids[1], ids[2], ids[0]]);
  });

  it('of mappings with any content get ids that are ids, and different ones', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.jsonValue({ maxDepth: 3 }), { minLength: 1, maxLength: 6, selector: canonicalJson }),
        (values) => {
          const ids = memberIds(
            'a',
            values.map((x) => ({ x: x as Json })),
          );
          expect(new Set(ids).size).toBe(values.length);
          for (const id of ids) expect(id).toMatch(/^a@[A-Za-z0-9=,._-]{1,120}$/);
        },
      ),
    );
  });

  it('are numbered where their values make no ids', () =>
    expect(memberIds('a', [{ x: 'p/q' }, { x: 'p:q' }])).toEqual(['a@0', 'a@1']));
});

describe('a matrix in a plan', () => {
  const steps = `
  data: { uses: prepare-data, with: { dataset: generated } }
  pretrain: { uses: pretrain, needs: [data], matrix: { seed: [0, 1] }, maxParallel: 1, with: { seed: "\${matrix.seed}" } }
  probe: { uses: linear-probe, needs: [pretrain], matrix: pretrain, with: { seed: "\${matrix.seed}" } }
  baseline: { uses: pretrain, needs: [data], matrix: pretrain, with: { seed: "\${matrix.seed}" } }
  after: { uses: prepare-data, needs: [probe], with: { dataset: image-folder, path: "\${steps.pretrain.result.loss} \${steps.pretrain@seed=1.result.loss}" } }`;
  const plan = planOf(steps);
  const step = (id: string) => plan.steps.find((each) => each.id === id);

  it('is a step for each combination, with its values filled in', () => {
    expect(plan.matrices?.pretrain).toEqual({ members: ['pretrain@seed=0', 'pretrain@seed=1'], maxParallel: 1 });
    expect(step('pretrain@seed=1')).toMatchObject({
      with: { seed: 1 },
      matrix: { of: 'pretrain', values: { seed: 1 } },
    });
  });

  it('of another step means that each takes its own counterpart', () => {
    expect(step('probe@seed=1')?.needs).toEqual(['pretrain@seed=1']);
    expect(step('probe@seed=1')?.inputs.encoder?.step).toBe('pretrain@seed=1');
    expect(step('probe@seed=1')?.inputs.dataset?.step).toBe('data');
  });

  it('of another step does not need that step by itself', () =>
    expect(step('baseline@seed=0')?.needs).toEqual(['data']));

  it('is needed as a whole by a step without one, whose references are lists', () => {
    expect(step('after')?.needs).toEqual(['probe@seed=0', 'probe@seed=1', 'pretrain@seed=0', 'pretrain@seed=1']);
    const results = { 'pretrain@seed=0': { loss: 4 }, 'pretrain@seed=1': { loss: 3 } };
    const matrices = plan.matrices;
    expect(resolveResults('${steps.pretrain.result.loss}', results, { matrices })).toEqual([4, 3]);
    expect(resolveResults('${steps.pretrain.result}', results, { matrices })).toEqual([{ loss: 4 }, { loss: 3 }]);
    expect(resolveResults(step('after')?.with.path ?? '', results, { matrices })).toBe('[4,3] 3');
  });
});

describe('a reference to what is not there', () => {
  it('is an error', () => expect(() => resolveResults('${steps.a.result.b}', {})).toThrow('Step a has no result b.'));
  it('is null in steps of onFailure and finally, which can name the run', () =>
    expect(
      resolveResults(
        { loss: '${steps.a.result.b}', text: '${run.id}: ${run.error}' },
        {},
        {
          run: { id: 'r', state: 'failed', error: 'a: it broke' },
          missing: 'null',
        },
      ),
    ).toEqual({ loss: null, text: 'r: a: it broke' }));
});
