import { describe, expect, it } from 'vitest';
import { jsonSize } from '../../contracts/json-size.ts';
import { limits } from '../../contracts/limits.ts';
import { newWhenBudget } from '../../pipelines/language/expressions/when.ts';
import { evaluateWhen, formatProblem, readPipeline } from '../../pipelines/language/index.ts';

const data = 'data: { uses: prepare-data, with: { dataset: generated } }';
const repeat = (count: number, each: (index: number) => string, separator = ', ') =>
  Array.from({ length: count }, (_, index) => each(index)).join(separator);

type Files = (file: string) => { readonly text: string };
const read = (text: string, files?: Files) => readPipeline({ text, file: 'p.yaml' }, {}, files ? { files } : {});
const mistakesIn = (text: string, files?: Files) => read(text, files).problems.map(formatProblem);

const conditional = (when: string) =>
  `name: a\nsteps:\n  ${data}\n  q: { uses: prepare-data, when: "${when}", with: { dataset: generated } }`;
const tens = '[1,2,3,4,5,6,7,8,9,10]';
const nested = (depth: number): string => (depth === 0 ? '1 > 0' : `${tens}.all(x${depth}, ${nested(depth - 1)})`);
const notify = (message: string) => `n: { uses: notify, with: { urlFrom: HOOK, message: "${message}" } }`;

/** The number in the name of an included file. */
const numberOf = (file: string) => Number(/\d+/.exec(file)?.[0]);
const twice =
  (depth: number): Files =>
  (file) => ({
    text:
      numberOf(file) < depth
        ? `include: [{ file: i${numberOf(file) + 1}.yaml, as: a }, { file: i${numberOf(file) + 1}.yaml, as: b }]\nsteps: { ${notify('x')} }`
        : `steps: { ${data} }`,
  });

/** What must be refused, with the place and the limit; each would take minutes, gigabytes, or end with a stack. */
const cases: [string, string, string, Files?][] = [
  [
    'nested loops over lists',
    conditional(nested(7)),
    `p.yaml:4:34: when has all, exists, exists_one, map or filter 7 deep within each other; at most 3 are allowed`,
  ],
  [
    'loops over long lists',
    conditional(`${`[${'1,'.repeat(299)}1]`}.all(a, ${`[${'1,'.repeat(299)}1]`}.exists(b, a == b))`),
    'at most 100000 are allowed',
  ],
  [
    'a long expression',
    conditional(`${'1+'.repeat(3000)}1 > 0`),
    'p.yaml:4:34: when has 6005 characters; at most 4096 are allowed',
  ],
  ['a chain of signs', conditional(`${'!'.repeat(3000)}true`), 'at most 500 are allowed'],
  [
    'brackets in an expression',
    conditional(`${'('.repeat(300)}true${')'.repeat(300)}`),
    'at most 100 brackets within each other are allowed',
  ],
  ['a pattern with too many states', conditional(`'a'.matches('((a{99}){99}){99}')`), 'at most 1000 states'],
  [
    'includes that double',
    'name: a\ninclude: [{ file: i1.yaml, as: x }]\nsteps: { }',
    `a pipeline may include at most 200 files; one that is included twice counts twice`,
    twice(18),
  ],
  [
    'includes in a row',
    'name: a\ninclude: [{ file: i1.yaml }]\nsteps: { }',
    'more than 20 deep; at most 20 are allowed',
    (file) => ({ text: `include: [{ file: i${numberOf(file) + 1}.yaml }]\nsteps: { }` }),
  ],
  [
    'large includes',
    `name: a\ninclude: [${repeat(9, (i) => `{ file: f.yaml, as: x${i} }`)}]\nsteps: { ${data} }`,
    'have more than 4 MiB together',
    () => ({ text: `# ${'x'.repeat(900_000)}\nsteps: { s: { uses: prepare-data } }` }),
  ],
  [
    'steps of includes',
    `name: a\ninclude: [${repeat(30, (i) => `{ file: f.yaml, as: x${i} }`)}]\nsteps: { ${data} }`,
    'more steps than a pipeline may have with all that it includes: 2000',
    () => ({ text: `steps: { ${repeat(100, (i) => `s${i}: { uses: prepare-data, with: { dataset: generated } }`)} }` }),
  ],
  [
    'an include that names itself twice over in its params',
    'name: a\ninclude: [{ file: i1.yaml, with: { x: aaaaaaaaaaaaaaaa } }]\nsteps: { }',
    'this has more than 256 KiB, which is the limit',
    (file) => ({
      text: `params: { x: "" }\ninclude: [{ file: i${numberOf(file) + 1}.yaml, with: { x: "${'${params.x}'.repeat(8)}" } }]\nsteps: { }`,
    }),
  ],
  [
    'params that stand in a condition',
    `name: a\ninclude: [{ file: f.yaml, with: { x: [${repeat(9000, String)}] } }]\nsteps: { ${data} }`,
    'once the params of this file stand in it; at most 32768 are allowed',
    () => ({
      text: `params: { x: [] }\nsteps: { s: { uses: prepare-data, when: "1.0 in params.x", with: { dataset: generated } } }`,
    }),
  ],
  [
    'a param that is named often',
    `name: a\nparams: { x: "${'y'.repeat(2000)}" }\nsteps: { ${notify('${params.x}'.repeat(2000))} }`,
    'p.yaml:3:10: with what its references name, this step has more than 256 KiB, which is the limit',
  ],
  [
    'a large step with a matrix',
    `name: a\nsteps: { n: { uses: notify, matrix: { a: [${repeat(1000, String)}] }, with: { urlFrom: HOOK, message: "${'y'.repeat(9000)}" } } }`,
    'at most 1 MiB are allowed',
  ],
  [
    'steps of many matrices',
    `name: a\nsteps:\n${repeat(6, (k) => `  p${k}: { uses: prepare-data, matrix: { seed: [${repeat(1000, String)}] }, with: { dataset: generated } }`, '\n')}`,
    'p.yaml:8:3: with its matrix, this makes 6000 steps so far; at most 5000 are allowed',
  ],
  [
    'matrices that need each other',
    `name: a\nsteps:\n  ${data}\n${repeat(2, (k) => `  p${k}: { uses: pretrain, needs: [data${k > 0 ? ', p0' : ''}], matrix: { seed: [${repeat(300, String)}] }, with: { seed: "\${matrix.seed}" } }`, '\n')}`,
    'needs so far; at most 20000 are allowed',
  ],
  [
    'a product of lists',
    `name: a\nsteps: { p: { uses: prepare-data, matrix: { ${repeat(9, (k) => `a${k}: ${tens}`)} }, with: { dataset: generated } } }`,
    'the matrix has 1000000000 combinations; at most 1000 are allowed',
  ],
  [
    'aliases of aliases',
    `name: a\nparams:\n  a: &a ${tens}\n${repeat(6, (i) => `  ${'bcdefg'[i]}: &${'bcdefg'[i]} [${repeat(9, () => `*${'abcdef'[i]}`)}]`, '\n')}\nsteps: { ${data} }`,
    'at most 100 are allowed',
  ],
  [
    'a value that contains itself',
    `name: a\nparams: &p { x: *p }\nsteps: { ${data} }`,
    'p.yaml:2:17: this contains itself; an alias (*) may not stand within its anchor (&)',
  ],
  [
    'a step that contains itself',
    `name: a\nsteps:\n  data: &d { uses: prepare-data, with: { dataset: generated, x: *d } }`,
    'p.yaml:3:65: this contains itself',
  ],
  [
    'deep lists',
    `name: a\nparams: { x: ${'['.repeat(900)}${']'.repeat(900)} }\nsteps: { ${data} }`,
    'p.yaml:2:76: lists and mappings lie more than 64 deep in each other; at most 64 are allowed',
  ],
  ['very deep lists', `name: a\nparams: { x: ${'['.repeat(400_000)}`, 'at most 64 are allowed'],
  ['deep dashes', `name: a\nparams:\n  x:\n    ${'- '.repeat(100_000)}1\nsteps: { ${data} }`, 'at most 64 are allowed'],
  [
    'a number that JSON cannot hold',
    `name: a\nparams: { x: .nan }\nsteps: { ${data} }`,
    'p.yaml:2:14: x must be a finite number, not NaN',
  ],
  [
    'an infinite parameter',
    `name: a\nsteps: { ${data}, p: { uses: pretrain, needs: [data], with: { optimizer: { learningRate: .inf } } } }`,
    'learningRate must be a finite number, not Infinity',
  ],
  [
    'a whole number that would be rounded',
    `name: a\nparams: { x: 99999999999999999999999 }\nsteps: { ${data} }`,
    'p.yaml:2:14: x must be a whole number up to 9007199254740991; this one would be rounded to 1e+23',
  ],
  [
    'half a character in a text',
    `name: a\nparams: { x: "\\ud800" }\nsteps: { ${data} }`,
    'p.yaml:2:14: x must be Unicode text; half a character stands in it',
  ],
  [
    'half a character in a key',
    `name: a\nparams: { x: { "\\udc00": 1 } }\nsteps: { ${data} }`,
    'p.yaml:2:11: a key must be Unicode text',
  ],
  [
    'a tag',
    `name: a\nparams: { x: !mine 1 }\nsteps: { ${data} }`,
    'p.yaml:2:14: not plain YAML: Unresolved tag: !mine',
  ],
  [
    'a matrix whose combinations have many values each',
    `name: a\nsteps: { data: { uses: prepare-data, matrix: { a: [${repeat(1000, String)}], include: [${repeat(1000, (i) => `{ z${i}: 1 }`)}] }, with: { dataset: mnist } } }`,
    'p.yaml:2:38: the combinations of the matrix have more than 50000 values together, which is the limit',
  ],
  [
    'a long param in each of many steps',
    `name: a\nparams: { x: "${'y'.repeat(100_000)}" }\nsteps: { ${repeat(500, (i) => `n${i}: { uses: notify, with: { urlFrom: X, message: "\${params.x}" } }`)} }`,
    'the params filled in so far have more than 4 MiB, which is the limit',
  ],
  [
    "a key of JavaScript's own",
    `name: a\n__proto__: 1\nsteps: { ${data} }`,
    'p.yaml:2:1: unknown key __proto__; allowed: name,',
  ],
  [
    'a large file',
    `name: a\n# ${'x'.repeat(1024 * 1024)}`,
    'p.yaml:1:1: the file is larger than 1 MiB, which is the limit',
  ],
  [
    'a large plan',
    `name: a\nparams: { x: "${'\\n'.repeat(400_000)}" }\nsteps: { ${data} }`,
    'the plan of this pipeline has 2.3 MiB; at most 1 MiB are allowed',
  ],
];

describe('a pipeline that asks for too much is refused at its place, with the limit', () => {
  for (const [name, text, message, files] of cases)
    it(name, () => expect(mistakesIn(text, files).join('\n').slice(0, 20_000)).toContain(message));

  it('a mistake in a long word, of which the beginning is told', () => {
    const [mistake = ''] = mistakesIn(`name: a\nsteps: { x: { uses: ${'n'.repeat(500_000)} } }`);
    expect(mistake).toMatch(/^p\.yaml:2:.* there is no kind of step "nnn/);
    expect(mistake.length).toBeLessThan(1200);
  });

  it('many mistakes, of which the first are told', () => {
    const mistakes = mistakesIn(
      `name: a\nsteps: { x: { uses: prepare-data, with: { dataset: generated }, needs: [${repeat(5000, String)}] } }`,
    );
    expect(mistakes).toHaveLength(limits.problems + 1);
    expect(mistakes.at(-1)).toMatch(/at most 200 are told at once/);
  });
});

describe('a large pipeline within the limits is read', () => {
  it.each([
    ['a chain', (i: number) => (i > 0 ? `s${i - 1}` : '')],
    ['a chain from its end', (i: number) => (i < 1999 ? `s${i + 1}` : '')],
  ])('%s of 2000 steps', (_, need) => {
    const steps = repeat(
      2000,
      (i) => `  s${i}: { uses: prepare-data, needs: [${need(i)}], with: { dataset: generated } }`,
      '\n',
    );
    expect(read(`name: a\nsteps:\n${steps}`).plan?.steps).toHaveLength(2000);
  });

  it('with mappings of thousands of keys', () => {
    expect(read(`name: a\nparams: { ${repeat(20_000, (i) => `k${i}: 1`)} }\nsteps: { ${data} }`).plan).not.toBeNull();
  });

  it('with lists as deep as allowed', () => {
    expect(mistakesIn(`name: a\nparams: { x: ${'['.repeat(60)}${']'.repeat(60)} }\nsteps: { ${data} }`)).toEqual([]);
  });
});

describe('a condition while a run goes on', () => {
  const none = { params: {}, matrix: {}, steps: {}, run: {} };
  const list = Array.from({ length: 500 }, (_, index) => index);

  it.each([
    ['params.list.all(a, params.list.exists(b, a == b))', 'at most 100000 are allowed'],
    ["params.list.map(a, params.list.map(b, 'x')).size() > 0", 'at most 100000 are allowed'],
    ["cel.bind(a, params.text + params.text, cel.bind(b, a + a, cel.bind(c, b + b, c.contains('y'))))", null],
    [
      `${'cel.bind(a, a + a, '.repeat(40)}a == 'y'${')'.repeat(40)}`.replace('a + a', 'params.text'),
      'at most 100000 are allowed',
    ],
    ["params.text.matches('^(a+)+$')", null],
    ["params.text.matches('(?=a)')", 'may not look around'],
    ['params.list.all(each, each >= 0)', null],
  ])('is counted before it is evaluated: %s', (expression, message) => {
    const outcome = evaluateWhen(expression, { ...none, params: { list, text: `${'a'.repeat(500)}!` } });
    if (message === null) expect(outcome).toMatchObject({ ok: true });
    else expect(outcome).toEqual({ ok: false, message: expect.stringContaining(message) as unknown });
  });

  it('and all those of a run together', () => {
    const budget = newWhenBudget();
    const evaluate = () => evaluateWhen('params.list.all(each, each >= 0)', { ...none, params: { list } }, budget);
    const outcomes = Array.from({ length: 2000 }, evaluate);
    expect(outcomes[0]).toEqual({ ok: true, value: true });
    expect(outcomes.at(-1)).toEqual({
      ok: false,
      message: expect.stringContaining('take more than 2000000 steps of evaluation together') as unknown,
    });
  });
});

it('the size of a value is that of its JSON, or a little more', () => {
  for (const value of [null, true, 1.5, 'a"\\\nü€😀', [], {}, [1, [2, { a: 'b', 'ü"': null }]], { x: [{}, ''] }]) {
    const actual = Buffer.byteLength(JSON.stringify(value));
    expect(jsonSize(value)).toBeGreaterThanOrEqual(actual);
    expect(jsonSize(value)).toBeLessThanOrEqual(actual + 12);
  }
  expect(jsonSize('x'.repeat(1000), 10)).toBeLessThan(20);
});
