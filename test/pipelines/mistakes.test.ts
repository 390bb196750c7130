import { describe, expect, it } from 'vitest';
import type { Json } from '../../contracts/json.ts';
import { formatProblem, readPipeline } from '../../pipelines/language/index.ts';

const mistakesIn = (text: string, params: Record<string, Json> = {}) =>
  readPipeline({ text, file: 'p.yaml' }, params).problems.map(formatProblem);

const data = 'data: { uses: prepare-data, with: { dataset: generated } }';

/** Each bad file, and everything that must be said of it. */
const cases: [string, string, string[]][] = [
  ['an empty file', '', ['p.yaml:1:1: the file is empty; a pipeline needs name and steps']],
  ['a list', '- a', ['p.yaml:1:1: a pipeline is a mapping with name and steps']],
  [
    'broken YAML',
    'name: [a',
    ['p.yaml:1:9: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ],
  [
    'two documents',
    `name: a\nsteps: { ${data} }\n---\nname: b`,
    ['p.yaml:3:1: only one document is allowed in a file'],
  ],
  ['a duplicate step', `name: a\nsteps:\n  ${data}\n  ${data}`, ['p.yaml:4:3: this key is there twice']],
  ['no name', `steps: { ${data} }`, ['p.yaml:1:1: name is missing']],
  [
    'a bad name',
    `name: My Pipeline\nsteps: { ${data} }`,
    ['p.yaml:1:7: name must be lower-case letters, digits and dashes, starting with a letter'],
  ],
  ['no steps', 'name: a', ['p.yaml:1:1: steps is missing']],
  ['empty steps', 'name: a\nsteps: {}', ['p.yaml:2:1: steps is empty; at least one step is needed']],
  ['an unknown key', `name: a\nparam: {}\nsteps: { ${data} }`, ['p.yaml:2:1: unknown key param; did you mean params?']],
  [
    "another tool's key",
    `name: a\nsteps:\n  ${data}\n  p: { uses: pretrain, dependsOn: [data] }`,
    ['p.yaml:4:24: unknown key dependsOn; here it is called needs'],
  ],
  [
    'a bad step id',
    'name: a\nsteps: { Data: { uses: prepare-data, with: { dataset: generated } } }',
    [
      'p.yaml:2:10: the step id "Data" must be lower-case letters, digits and dashes, starting with a letter, at most 63',
    ],
  ],
  [
    'an unknown kind',
    'name: a\nsteps: { data: { uses: prepare-dat } }',
    ['p.yaml:2:24: there is no kind of step "prepare-dat"; did you mean prepare-data?'],
  ],
  ['a missing kind', 'name: a\nsteps: { data: { with: {} } }', ['p.yaml:2:10: uses is missing']],
  [
    'a missing parameter',
    'name: a\nsteps: { data: { uses: prepare-data } }',
    ['p.yaml:2:10: dataset must be one of fashion-mnist, cifar10, image-folder, generated, not nothing'],
  ],
  [
    'a misspelt parameter',
    'name: a\nsteps: { data: { uses: prepare-data, with: { dataset: generated, validaton: 0.1 } } }',
    ['p.yaml:2:66: unknown key validaton; did you mean validation?'],
  ],
  [
    'a wrong type, deep down',
    `name: a\nsteps:\n  ${data}\n  p:\n    uses: pretrain\n    needs: [data]\n    with:\n      loss: { supcon: { temperature: warm } }`,
    ['p.yaml:8:38: temperature must be a number, not "warm"'],
  ],
  [
    'a value out of range',
    `name: a\nsteps:\n  ${data}\n  p: { uses: pretrain, needs: [data], with: { batch: 1 } }`,
    ['p.yaml:4:54: batch must be at least 2, not 1'],
  ],
  [
    'an unknown choice',
    `name: a\nsteps:\n  ${data}\n  p: { uses: pretrain, needs: [data], with: { encoder: resnet50 } }`,
    ['p.yaml:4:56: encoder must be one of resnet50v2, small-resnet, not "resnet50"; did you mean resnet50v2?'],
  ],
  [
    'a need that is not there',
    `name: a\nsteps:\n  ${data}\n  p: { uses: pretrain, needs: [data, dat] }`,
    ['p.yaml:4:38: there is no step "dat"; did you mean data?'],
  ],
  [
    'a step that needs itself',
    'name: a\nsteps: { data: { uses: prepare-data, needs: [data], with: { dataset: generated } } }',
    ['p.yaml:2:46: a step cannot need itself'],
  ],
  [
    'a cycle',
    'name: a\nsteps:\n  a: { uses: prepare-data, needs: [b], with: { dataset: generated } }\n  b: { uses: prepare-data, needs: [a], with: { dataset: generated } }',
    ['p.yaml:3:28: these steps need each other: a -> b -> a'],
  ],
  [
    'a param that is not there',
    'name: a\nparams: { seed: 1 }\nsteps: { data: { uses: prepare-data, with: { dataset: generated, seed: "${params.sed}" } } }',
    ['p.yaml:3:72: there is no param sed; did you mean seed?'],
  ],
  [
    'a result that is not there',
    `name: a\nsteps:\n  ${data}\n  p: { uses: pretrain, needs: [data], with: { seed: "\${steps.data.result.clases}" } }`,
    ['p.yaml:4:53: a prepare-data step has no result clases; did you mean classes?'],
  ],
  [
    'something that is no reference',
    'name: a\nsteps: { data: { uses: prepare-data, with: { dataset: "${data}" } } }',
    ['p.yaml:2:55: ${data} is not a reference; write ${params.<name>} or ${steps.<id>.result.<field>}'],
  ],
  [
    'a step without its input',
    'name: a\nsteps: { p: { uses: pretrain } }',
    [
      'p.yaml:2:10: step p cannot run: it takes a dataset, and no step that it needs makes one; add a step that uses prepare-data to needs',
    ],
  ],
  [
    'an input that could be either of two',
    'name: a\nsteps:\n  a: { uses: prepare-data, with: { dataset: generated } }\n  b: { uses: prepare-data, with: { dataset: generated } }\n  p: { uses: pretrain, needs: [a, b] }',
    ['p.yaml:5:3: step p cannot run: both a and b make a dataset; say which with `dataset: ${steps.a.result.dataset}`'],
  ],
  [
    'a bad duration',
    `name: a\ndefaults: { timeout: soon }\nsteps: { ${data} }`,
    ['p.yaml:2:22: timeout must be a duration such as 30s, 5m, 2h or 1d'],
  ],
];

describe('a mistake in a pipeline is named with its place', () => {
  it('in at least twenty ways', () => expect(cases.length).toBeGreaterThanOrEqual(20));
  for (const [what, text, expected] of cases) it(what, () => expect(mistakesIn(text)).toEqual(expected));

  it('together with all the others in the file', () => {
    const text = 'name: A\nsteps:\n  data: { uses: prepare, needs: [x] }\n  p: { uses: pretrain, need: [data] }';
    expect(mistakesIn(text)).toHaveLength(4);
  });
});

describe('a mistake in --set is named', () => {
  const text =
    'name: a\nparams: { seed: 1 }\nsteps: { data: { uses: prepare-data, with: { dataset: generated, seed: "${params.seed}" } } }';
  it('for a param that is not there', () =>
    expect(mistakesIn(text, { sed: 2 })).toEqual(['--set sed: the pipeline has no param sed; did you mean seed?']));
  it('for a value of another type', () =>
    expect(mistakesIn(text, { seed: 'x' })[0]).toBe('--set seed: must be a number like its default 1, not "x"'));
  it('and a good value is used', () =>
    expect(readPipeline({ text, file: 'p.yaml' }, { seed: 5 }).plan?.steps[0]?.with.seed).toBe(5));
});
