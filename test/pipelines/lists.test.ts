import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../contracts/json.ts';
import type { Plan, PlannedStep } from '../../contracts/plan.ts';
import { findReferences } from '../../pipelines/language/expressions/references.ts';
import { readPipeline, resolveResults } from '../../pipelines/language/index.ts';
import { expandLists } from '../../pipelines/language/interpret/expand-lists.ts';
import { itemId, shownItem } from '../../pipelines/language/interpret/item-ids.ts';
import { planOf } from './plan.ts';

const item = fc.oneof(
  fc.string(),
  fc.stringMatching(/^[a-z0-9.]{1,20}$/),
  fc.integer(),
  fc.boolean(),
  fc.dictionary(fc.string({ minLength: 1 }), fc.integer(), { minKeys: 1, maxKeys: 3 }),
);

describe('the id of an item', () => {
  it('follows from the item alone, is an id that a reference can hold, and differs from those of other items', () => {
    fc.assert(
      fc.property(fc.uniqueArray(item, { maxLength: 20, selector: (each) => JSON.stringify(each) }), (items) => {
        const ids = items.map((each) => itemId('x', each as Json));
        expect(new Set(ids).size).toBe(items.length);
        expect(items.toReversed().map((each) => itemId('x', each as Json))).toEqual(ids.toReversed());
        for (const id of ids) {
          expect(id).toMatch(/^x=[A-Za-z0-9._-]{1,60}$/);
          const text = `\${steps.a@${id}.result.loss}`;
          expect(findReferences(text)[0]?.reference).toEqual({ of: 'steps', step: `a@${id}`, path: ['loss'] });
        }
      }),
    );
  });

  it('is readable where the item is, and does not depend on the order of the keys of a mapping', () => {
    expect(itemId('shard', 'train-07.tar')).toBe('shard=train-07.tar');
    expect(itemId('seed', 1)).toBe('seed=1');
    expect(itemId('seed', '1')).not.toBe('seed=1');
    expect(itemId('part', { from: 0, to: 9 })).toBe(itemId('part', { to: 9, from: 0 }));
    expect(itemId('part', { from: 0, to: 9 })).toMatch(/^part=[0-9a-f]{14}$/);
  });

  it('comes with the item where it does not show it', () => {
    const stepOf = (value: Json) =>
      ({ id: `a@${itemId('x', value)}`, matrix: { of: 'a', values: { x: value } } }) as unknown as PlannedStep;
    expect(shownItem(stepOf({ from: 0 }))).toBe('{"from":0}');
    expect(shownItem(stepOf('a b\n'))).toBe('"a b\\n"');
    expect(shownItem(stepOf('x'.repeat(500)))).toHaveLength(61);
    expect(shownItem(stepOf('a.tar'))).toBeUndefined();
    expect(shownItem({ id: 'a' } as unknown as PlannedStep)).toBeUndefined();
  });
});

const steps = `
  split: { uses: run, with: { command: [split], result: { shards: list, count: number } } }
  measure:
    uses: run
    matrix: { shard: "\${steps.split.result.shards}" }
    maxParallel: 4
    tolerate: 0.25
    with: { command: [measure, "\${matrix.shard}"], result: { size: number } }
  clean:
    uses: run
    matrix: measure
    needs: [measure]
    when: steps.measure.result.size > 3
    with: { command: [clean, "\${matrix.shard}", "\${steps.measure.result.size}"] }
  join: { uses: run, needs: [clean], with: { command: [join], env: { SIZES: "\${steps.measure.result.size}" } } }`;
const plan = planOf(steps);
const expanded = (list: Json, of: Plan = plan) => expandLists(of, { split: { shards: list } });
const idsOf = ({ steps: all }: Plan) => all.map(({ id }) => id);

describe('a matrix over a list that a step gives', () => {
  it('is one step in the plan, which needs the step that gives the list', () => {
    expect(idsOf(plan)).toEqual(['split', 'measure', 'clean', 'join']);
    expect(plan.matrices?.measure).toEqual({
      members: ['measure'],
      maxParallel: 4,
      tolerate: 0.25,
      list: { step: 'split', path: ['shards'], name: 'shard', root: 'measure' },
    });
    expect(plan.steps[1]?.needs).toEqual(['split']);
    expect(plan.steps[2]?.needs).toEqual(['measure', 'split']);
  });

  it('shares what it tolerates with the steps that have the same matrix', () =>
    expect(plan.matrices?.clean).toMatchObject({ tolerate: 0.25, list: { root: 'measure' } }));

  it('becomes one step for each item, each with its own counterpart', () => {
    const { plan: made, problems } = expanded(['b.tar', 'a.tar']);
    expect(problems.size).toBe(0);
    expect(idsOf(made)).toEqual([
      'split',
      'measure@shard=b.tar',
      'measure@shard=a.tar',
      'clean@shard=b.tar',
      'clean@shard=a.tar',
      'join',
    ]);
    expect(made.steps[3]).toMatchObject({
      needs: ['measure@shard=b.tar', 'split'],
      when: 'steps["measure@shard=b.tar"].result.size > 3',
      with: { command: ['clean', '${matrix.shard}', '${steps.measure@shard=b.tar.result.size}'] },
      matrix: { of: 'clean', values: { shard: 'b.tar' } },
    });
    expect(made.steps[5]?.needs).toEqual([
      'clean@shard=b.tar',
      'clean@shard=a.tar',
      'measure@shard=b.tar',
      'measure@shard=a.tar',
    ]);
  });

  it('is joined in the order of the list, without those whose loss is tolerated', () => {
    const { matrices } = expanded(['b', 'a', 'c']).plan;
    const results = { 'measure@shard=a': { size: 1 }, 'measure@shard=c': { size: 3 } };
    expect(resolveResults('${steps.measure.result.size}', results, { matrices })).toEqual([1, 3]);
  });

  it('has the same steps whatever the order of the list', () => {
    const [one, other] = [expanded(['a', 'b', { from: 1 }]).plan, expanded([{ from: 1 }, 'b', 'a']).plan];
    expect(new Map(one.steps.slice(1, 7).map((step) => [step.id, step]))).toEqual(
      new Map(other.steps.slice(1, 7).map((step) => [step.id, step])),
    );
  });

  it('is expanded once: a plan with its items stays as it is', () => {
    const { plan: made } = expanded(['a']);
    expect(expanded(['a', 'b'], made).plan).toBe(made);
  });

  it('stays as it is until the list is there', () => expect(expandLists(plan, {}).plan).toBe(plan));

  it('fills in items and their fields when a step starts', () => {
    const of = planOf(steps.replace('measure, "${matrix.shard}"', 'measure, "${matrix.shard.file}"'));
    const [, first] = expanded([{ file: 'a.tar' }], of).plan.steps;
    const matrix = first?.matrix?.values;
    expect(resolveResults(first?.with.command ?? '', {}, { matrix })).toEqual(['measure', 'a.tar']);
    expect(expanded([{ file: 'a.tar' }, { name: 'b' }], of).problems.get('measure')).toBe(
      'The matrix goes over shards of step split, and its item 2 has no file, which measure uses.',
    );
  });

  it('never reads an item as a reference', () => {
    const text = '${steps.split.result.count} ${run.id}';
    const [, first] = expanded([text]).plan.steps;
    const context = { matrix: first?.matrix?.values, run: { id: 'r' } };
    expect(resolveResults(first?.with.command ?? '', { split: { count: 1 } }, context)).toEqual(['measure', text]);
  });
});

describe('a list that is no good', () => {
  const cases: [string, Json, string][] = [
    ['is empty', [], 'that list is empty; at least one item is needed'],
    ['is none', 'abc', 'that is the text "abc", not a list'],
    [
      'has too many items',
      Array.from({ length: 1001 }, (_, at) => at),
      'that list has 1001 items; at most 1000 are allowed',
    ],
    [
      'has a list in it',
      ['a', ['b']],
      'its item 2 is a list; items are texts, numbers, true or false, or small mappings',
    ],
    ['has null in it', [null], 'its item 1 is null'],
    ['has a large item', ['a', { text: 'x'.repeat(5000) }], 'its item 2 has more than 4 KiB, which is the limit'],
    [
      'has an item twice',
      ['a', { x: 1, y: 2 }, { y: 2, x: 1 }],
      'that list has the same item twice, as 2 and 3: {"y":2,"x":1}',
    ],
  ];
  it.each(cases)('%s', (_, list, message) => {
    const { plan: same, problems } = expanded(list);
    expect(same).toBe(plan);
    expect(problems.get('measure')).toContain(`The matrix goes over shards of step split, and ${message}`);
  });

  it('is not there', () =>
    expect(expandLists(plan, { split: {} }).problems.get('measure')).toContain('and its result has none'));

  it('makes more steps than a run may have', () => {
    const many = planOf(
      `  split: { uses: run, with: { command: [split] } }\n${Array.from(
        { length: 6 },
        (_, at) => `  m${at}: { uses: run, matrix: { x: "\${steps.split.result.shards}" }, with: { command: [m] } }`,
      ).join('\n')}`,
    );
    const list = Array.from({ length: 1000 }, (_, at) => at);
    const { plan: made, problems } = expanded(list, many);
    expect([...problems]).toEqual([
      ['m4', 'With the 1000 items of its list, the run would have more than 5000 steps, which is the limit.'],
      ['m5', 'With the 1000 items of its list, the run would have more than 5000 steps, which is the limit.'],
    ]);
    expect(made.steps).toHaveLength(4003);
  });

  it('makes more needs than a run may have', () => {
    const joins = Array.from(
      { length: 21 },
      (_, at) => `  j${at}: { uses: run, needs: [measure], with: { command: [j] } }`,
    );
    const many = planOf(`${steps}\n${joins.join('\n')}`);
    expect(
      expanded(
        Array.from({ length: 1000 }, (_, at) => at),
        many,
      ).problems.get('measure'),
    ).toContain('the steps would have more than 20000 needs');
  });

  it('makes parameters that are too large together', () => {
    const large = planOf(
      `${steps}\n  more: { uses: run, matrix: measure, with: { command: ["\${steps.measure.result.size}", ${'x'.repeat(50_000)}] } }`,
    );
    expect(
      expanded(
        Array.from({ length: 90 }, (_, at) => at),
        large,
      ).problems.get('more'),
    ).toContain('would have more than 4 MiB');
  });
});

const problemsIn = (text: string) =>
  readPipeline({ text: `name: test\nsteps:\n${text}\n`, file: 'test.yaml' }).problems.map(
    ({ line, column, message }) => `${line}:${column} ${message}`,
  );
const split = '  split: { uses: run, with: { command: [split], result: { shards: list, count: number } } }\n';

describe('a mistake in a matrix over a list', () => {
  const cases: [string, string, string][] = [
    [
      'a field that the step does not give',
      '  m: { uses: run, matrix: { x: "${steps.split.result.shard}" }, with: { command: [m] } }',
      '4:32 a run step has no result shard; did you mean shards?',
    ],
    [
      'a field that is no list',
      '  m: { uses: run, matrix: { x: "${steps.split.result.count}" }, with: { command: [m] } }',
      '4:32 count of step split is no list',
    ],
    [
      'the whole result',
      '  m: { uses: run, matrix: { x: "${steps.split.result}" }, with: { command: [m] } }',
      '4:32 name the list in the result, such as { shard: "${steps.split.result.shards}" }',
    ],
    [
      'two lists',
      '  m: { uses: run, matrix: { x: "${steps.split.result.shards}", y: [1, 2] }, with: { command: [m] } }',
      '4:32 a matrix over a list of a result has one name, such as { shard: "${steps.split.result.shards}" }',
    ],
    [
      'a step that is not there',
      '  m: { uses: run, matrix: { x: "${steps.spilt.result.shards}" }, with: { command: [m] } }',
      '4:32 there is no step "spilt"; did you mean split?',
    ],
    [
      'a value that the matrix has not',
      '  m: { uses: run, matrix: { shard: "${steps.split.result.shards}" }, with: { command: ["${matrix.shrad}"] } }',
      '4:88 the matrix has no value shrad; did you mean shard?',
    ],
    [
      'an item where the plan needs a value',
      '  m: { uses: run, queue: "${matrix.x}", matrix: { x: "${steps.split.result.shards}" }, with: { command: [m] } }',
      '4:26 queue cannot depend on the item of a list that is not known yet',
    ],
    [
      'one of the items by name',
      '  m: { uses: run, matrix: { x: "${steps.split.result.shards}" }, with: { command: [m] } }\n  j: { uses: run, with: { command: ["${steps.m@x=1.result.a}"] } }',
      '5:37 the items of m are not known until step split has ended; name m, which is the list of all',
    ],
    [
      'the list of all of another matrix',
      '  n: { uses: run, matrix: { y: [1, 2] }, with: { command: [n], result: { all: list } } }\n  m: { uses: run, matrix: { x: "${steps.n.result.all}" }, with: { command: [m] } }',
      '5:32 step n has a matrix, so this is the list of all its results; the list must be that of one step',
    ],
    [
      'an item in the text of a shell',
      '  m: { uses: run, matrix: { x: "${steps.split.result.shards}" }, with: { shell: true, command: ["echo ${matrix.x}"] } }',
      '4:97 a result must not stand in the text of a shell: give it by env, and write "$NAME"',
    ],
    [
      'tolerate without a matrix',
      '  m: { uses: run, tolerate: 1, with: { command: [m] } }',
      '4:19 tolerate limits the steps of a matrix; this step has no matrix',
    ],
  ];
  it.each(cases)('%s', (_, text, message) => expect(problemsIn(split + text)).toEqual([message]));

  it('a list of a step that comes later: the steps of finally take those of finally', () => {
    const text = `${split}finally:\n  m: { uses: run, matrix: { x: "\${steps.split.result.shards}" }, with: { command: [m] } }`;
    expect(problemsIn(text)).toEqual([expect.stringContaining('steps of finally start when all others have ended')]);
  });

  it.each([
    [1.5, 'a whole number, or a share below 1 such as 0.1'],
    [-1, 'at least 0, not -1'],
    [2000, 'at most 1000, not 2000'],
  ])('tolerating %s', (tolerate, allowed) =>
    expect(
      problemsIn(`  m: { uses: run, matrix: { x: [1, 2] }, tolerate: ${tolerate}, with: { command: [m] } }`),
    ).toEqual([`3:52 tolerate must be ${allowed}`]),
  );
});
