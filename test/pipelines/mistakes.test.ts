import { describe, expect, it } from 'vitest';
import type { Json } from '../../contracts/json.ts';
import { formatProblem, readPipeline } from '../../pipelines/language/index.ts';

const mistakesIn = (text: string, params: Record<string, Json> = {}) =>
  readPipeline({ text, file: 'p.yaml' }, params).problems.map(formatProblem);

const data = 'data: { uses: prepare-data, with: { dataset: generated } }';

const sweep = `${data}\n  p: { uses: pretrain, needs: [data], matrix: { seed: [0, 1] }, with: { seed: "\${matrix.seed}" } }`;
const conditional = (when: string) =>
  `name: a\nparams: { least: 1, my-flag: true }\nsteps:\n  ${sweep}\n  q: { uses: prepare-data, when: ${when}, with: { dataset: generated } }`;

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
    'an alternative that there is none of',
    `name: a\nsteps: { ${data}, a: { uses: pretrain, needs: [data], with: { encoder: { name: small-rsnet }, optimizer: { learningRate: 1 } } } }`,
    [
      'p.yaml:2:131: name must be one of resnet50v2, small-resnet, resnet50, convnext, vit, mobilenetv3, not "small-rsnet"; did you mean small-resnet?',
      'p.yaml:2:146: name is missing; it is one of adam, sgd',
    ],
  ],
  [
    'a stage that the encoder does not have',
    `name: a\nsteps: { ${data}, a: { uses: pretrain, needs: [data], with: { encoder: small-resnet, freeze: { until: conv4 } } } }`,
    ['p.yaml:2:154: until must be a stage of small-resnet (stem, stage1, stage2, stage3, post), not "conv4"'],
  ],
  [
    'a stage where what is frozen is said',
    `name: a\nsteps: { ${data}, a: { uses: pretrain, needs: [data], with: { encoder: vit, freeze: blocks.2 } } }`,
    ['p.yaml:2:136: freeze must be all or { until: … }, not "blocks.2"; write { until: blocks.2 }'],
  ],
  [
    'a text where what is frozen is said, which is no stage',
    `name: a\nsteps: { ${data}, a: { uses: train-classifier, needs: [data], with: { encoder: resnet50, freeze: block2 } } }`,
    [
      'p.yaml:2:149: freeze must be all or { until: … }, not "block2"; the stages of resnet50 are stem, layer1, layer2, layer3, layer4',
    ],
  ],
  [
    'a URL where a path is wanted, which may hold a password',
    `name: a\nsteps: { data: { uses: prepare-data, with: { dataset: table, path: 'https://me:secret@shop/p.csv?sig=x' } } }`,
    ['p.yaml:2:68: path must be a path, not a URL: fetch the file first'],
  ],
  [
    'a value where there is one choice besides text',
    `name: a\nsteps: { data: { uses: prepare-data, with: { dataset: table, path: a.csv, columns: { group: true } } } }`,
    ['p.yaml:2:93: group must be text or false, not true'],
  ],
  [
    'a bad name',
    `name: My Pipeline\nsteps: { ${data} }`,
    ['p.yaml:1:7: name must be lower-case letters, digits and dashes, starting with a letter'],
  ],
  [
    'a key that every object has',
    `name: a\nsteps: { ${data}, p: { uses: pretrain, needs: [data], with: { recipe: tutorial, __proto__: { minimumSteps: 7 } } } }`,
    ['p.yaml:2:106: unknown key __proto__'],
  ],
  [
    'batches that classes do not fill',
    `name: a\nsteps: { ${data}, p: { uses: pretrain, needs: [data], with: { batch: 128, sampler: { balanced: { perClass: 3 } } } } }`,
    ['p.yaml:2:159: perClass must divide the batch of 128 images'],
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
    ['p.yaml:2:10: dataset must be one of fashion-mnist, mnist, cifar10, image-folder, table, generated, not nothing'],
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
    `name: a\nsteps:\n  ${data}\n  p: { uses: pretrain, needs: [data], with: { encoder: resnet50v3 } }`,
    [
      'p.yaml:4:56: encoder must be one of resnet50v2, small-resnet, resnet50, convnext, vit, mobilenetv3, not "resnet50v3"; did you mean resnet50v2?',
    ],
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
      'p.yaml:2:10: step p cannot run: it takes a dataset, and no step that it needs makes one; add a step that uses prepare-data, use-model or choose to needs',
    ],
  ],
  [
    'an input that could be either of two',
    'name: a\nsteps:\n  a: { uses: prepare-data, with: { dataset: generated } }\n  b: { uses: prepare-data, with: { dataset: generated } }\n  p: { uses: pretrain, needs: [a, b] }',
    ['p.yaml:5:3: step p cannot run: both a and b make a dataset; say which with `dataset: ${steps.a.result.dataset}`'],
  ],
  [
    'a second input of the same kind that is not named',
    `name: a\nsteps:\n  ${data}\n  t: { uses: train-classifier, needs: [data] }\n  o: { uses: out-of-distribution, needs: [t] }`,
    ['p.yaml:5:3: step o takes another dataset as outside; say which with `outside: ${steps.<id>.result.dataset}`'],
  ],
  [
    'the same artifact for two inputs',
    `name: a\nsteps:\n  ${data}\n  t: { uses: train-classifier, needs: [data] }\n  o: { uses: out-of-distribution, needs: [t], with: { dataset: "\${steps.data.result.dataset}", outside: "\${steps.data.result.dataset}" } }`,
    ['p.yaml:5:105: outside must be another dataset than dataset, and both are that of step data'],
  ],
  [
    'only one artifact where two are taken',
    `name: a\nsteps:\n  ${data}\n  t: { uses: train-classifier, needs: [data] }\n  o: { uses: out-of-distribution, needs: [t], with: { outside: "\${steps.data.result.dataset}" } }`,
    [
      'p.yaml:5:3: step o cannot run: it takes a dataset, and no other step that it needs makes one; add a step that uses prepare-data, use-model or choose to needs',
    ],
  ],
  [
    'a bad duration',
    `name: a\ndefaults: { timeout: soon }\nsteps: { ${data} }`,
    ['p.yaml:2:22: timeout must be a duration such as 30s, 5m, 2h or 1d'],
  ],
  [
    'words of other tools',
    'name: a\nsteps: { data: { uses: prepare-data, if: x, retries: 3, continueOnError: true, foreach: [1], with: { dataset: generated } } }\nonExit: {}',
    [
      'p.yaml:2:38: unknown key if; here it is called when',
      'p.yaml:2:45: unknown key retries; here it is called retry.maximumAttempts',
      'p.yaml:2:57: unknown key continueOnError; a failed step stops only what needs it; a later `when` can ask for steps.<id>.state',
      'p.yaml:2:80: unknown key foreach; here it is called matrix',
      'p.yaml:3:1: unknown key onExit; here it is called finally',
    ],
  ],
  [
    'a matrix that is none',
    `name: a\nsteps:\n  ${data}\n  p: { uses: pretrain, needs: [data], matrix: { seed: 1, batch: [], exclude: [{ sed: 1 }] } }`,
    [
      'p.yaml:4:55: seed must be a list of the values to try',
      'p.yaml:4:58: batch is empty; at least one value is needed',
    ],
  ],
  [
    'a value that the matrix has not',
    `name: a\nsteps:\n  ${data}\n  p: { uses: pretrain, needs: [data], matrix: { seed: [0, 1] }, with: { seed: "\${matrix.sed}" } }`,
    ['p.yaml:4:79: the matrix has no value sed where seed=0; did you mean seed?'],
  ],
  [
    'a value of the matrix that the kind does not allow, once',
    `name: a\nsteps:\n  ${data}\n  p: { uses: pretrain, needs: [data], matrix: { batch: [64, 1, 0] }, with: { batch: "\${matrix.batch}" } }`,
    ['p.yaml:4:85: batch must be at least 2, not 1 (where batch=1)'],
  ],
  [
    'all of a matrix where one is wanted',
    `name: a\nsteps:\n  ${sweep}\n  q: { uses: linear-probe, needs: [p] }`,
    [
      'p.yaml:5:3: step q takes one encoder, and p makes 2, one for each of its matrix; run q for each with `matrix: p`, take the best by a step that uses choose, or say which with `encoder: ${steps.p@seed=0.result.encoder}`',
    ],
  ],
  [
    'the matrix of a step that has none, and maxParallel without one',
    `name: a\nsteps:\n  ${data}\n  p: { uses: pretrain, needs: [data], matrix: data }\n  q: { uses: pretrain, needs: [data], maxParallel: 2 }`,
    [
      'p.yaml:4:47: step data has no matrix; write the lists here, such as { seed: [0, 1] }',
      'p.yaml:5:39: maxParallel limits the steps of a matrix; this step has no matrix',
    ],
  ],
  [
    'one that is not in the matrix',
    `name: a\nsteps:\n  ${sweep}\n  q: { uses: linear-probe, with: { encoder: "\${steps.p@seed=2.result.encoder}" } }`,
    ['p.yaml:5:45: p has no "p@seed=2" in its matrix; did you mean p@seed=0?'],
  ],
  [
    'an expression that ends too early',
    conditional('"params.least >"'),
    ['p.yaml:6:49: when is not a valid expression: the expression ends too early'],
  ],
  [
    'names that an expression cannot know, each at its place',
    conditional('"params.last > 1 || steps.dat.state == \'done\' || steps.data.result.clases > 1 || x"'),
    [
      'p.yaml:6:42: there is no param last; did you mean least?',
      'p.yaml:6:60: there is no step "dat"; did you mean data?',
      'p.yaml:6:101: a prepare-data step has no result clases; did you mean classes?',
      'p.yaml:6:115: when is not a valid expression: there is no x here; allowed: params, matrix, steps, run',
    ],
  ],
  [
    'a state that no step ends in',
    conditional('"steps.data.state == \'succeeded\'"'),
    ['p.yaml:6:55: a step that has ended is never "succeeded"; here it is called done'],
  ],
  [
    'values that do not go together, in the lines of a block',
    `name: a\nparams: { least: 1 }\nsteps:\n  ${sweep}\n  q:\n    uses: prepare-data\n    with: { dataset: generated }\n    when: |\n      params.least > 0 &&\n        steps.p.result.loss > 3`,
    ['p.yaml:11:9: when cannot be evaluated: these do not go together: list of numbers > number'],
  ],
  [
    'an expression that is no condition',
    conditional('params.least + 1'),
    ['p.yaml:6:34: when must give true or false, not 2'],
  ],
  [
    'a reference where an expression is wanted',
    conditional('"${params.least} > 1"'),
    ['p.yaml:6:34: when is an expression: write params.least without ${ and }'],
  ],
  [
    'a name with a dash, which an expression takes for a minus',
    conditional('params.my-flag'),
    [
      'p.yaml:6:41: there is no param my; write params["my-flag"]',
      'p.yaml:6:44: when is not a valid expression: there is no flag here; allowed: params, matrix, steps, run',
    ],
  ],
  [
    'steps of finally in the wrong places',
    `name: a\nsteps: { ${data}, q: { uses: prepare-data, needs: [f], with: { dataset: image-folder, path: "\${run.id}" } } }\nfinally:\n  data: { uses: prepare-data, with: { dataset: generated } }\n  f: { uses: prepare-data, needs: [data], with: { dataset: image-folder, path: "\${run.name}" } }`,
    [
      'p.yaml:2:103: f is one of finally, which start when this step has ended',
      'p.yaml:2:144: ${run.…} is for steps of onFailure and finally',
      'p.yaml:4:3: there is a step data in steps already; ids must be different',
      'p.yaml:5:36: steps of finally start when all others have ended; needs is for the order among them',
      'p.yaml:5:80: a run has no name; there are ${run.id}, ${run.state} and ${run.error}',
    ],
  ],
  [
    'a schedule that never fires',
    `name: a\nschedule: { cron: "0 25 * * 1", every: 1h, timezone: Mars/Base, params: { seed: 1 } }\nsteps: { ${data} }`,
    [
      'p.yaml:2:19: cron "0 25 * * 1": the hour must be 0 to 23, *, a range a-b, a list a,b or a step */n, not "25"',
      'p.yaml:2:33: a schedule has cron or every, not both',
      'p.yaml:2:54: there is no time zone "Mars/Base"; it is an IANA name, such as Europe/Paris',
      'p.yaml:2:75: the pipeline has no param seed',
    ],
  ],
  [
    'a default out of range',
    `name: a\ndefaults: { priority: 9 }\nsteps: { ${data} }`,
    ['p.yaml:2:23: priority must be at most 5, not 9'],
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
