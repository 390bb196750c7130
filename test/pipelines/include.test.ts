import { describe, expect, it } from 'vitest';
import { formatProblem, readPipeline } from '../../pipelines/language/index.ts';

const probe = `params: { source: "", encoder: null, minimum: 0.5 }
steps:
  probe: { uses: linear-probe, needs: ["\${params.source}"], with: { encoder: "\${params.encoder}" } }
  evaluate: { uses: evaluate, needs: [probe], when: steps.probe.result.validationTop1 > params.minimum, with: { encoder: "\${params.encoder}" } }`;

const main = (include: string, more = '') => `name: main
params: { least: -1 }
include: [${include}]
steps:
  data: { uses: prepare-data, with: { dataset: generated } }
  pretrain: { uses: pretrain, needs: [data] }
  probe: { uses: pretrain, needs: [data] }
${more}`;

const read = (text: string, files: Record<string, string>) => {
  const { plan, problems } = readPipeline(
    { text, file: 'folder/main.yaml' },
    {},
    {
      files: (file) => (files[file] === undefined ? { problem: 'there is no such file' } : { text: files[file] }),
    },
  );
  return { steps: plan?.steps ?? [], problems: problems.map(formatProblem) };
};

describe('a file that is included', () => {
  const { steps, problems } = read(
    main(
      '{ file: common/probe.yaml, as: own, with: { source: pretrain, encoder: "${steps.probe.result.encoder}", minimum: "${params.least}" } }',
      '  last: { uses: prepare-data, when: steps.own-evaluate.result.top1 > 0, with: { dataset: generated } }',
    ),
    { 'folder/common/probe.yaml': probe },
  );
  const step = (id: string) => steps.find((each) => each.id === id);

  it('gives its steps ids that begin with `as`', () => {
    expect(problems).toEqual([]);
    expect(steps.map(({ id }) => id)).toEqual(['data', 'pretrain', 'probe', 'own-probe', 'own-evaluate', 'last']);
  });

  it('means its own steps first, and by its params those of the file that includes it', () => {
    expect(step('own-evaluate')?.needs).toEqual(['own-probe', 'probe']);
    expect(step('own-evaluate')?.inputs.classifier?.step).toBe('own-probe');
    expect(step('own-probe')?.inputs.encoder?.step).toBe('probe');
  });

  it('has its own params in its conditions', () =>
    expect(step('own-evaluate')?.when).toBe('steps["own-probe"].result.validationTop1 > (-1.0)'));

  it('can be used by the file that includes it', () => expect(step('last')?.needs).toEqual(['own-evaluate']));
});

describe('what is wrong with an include is named', () => {
  const cases: [string, string, Record<string, string>, string[]][] = [
    [
      'a file that is not there',
      '{ file: no.yaml }',
      {},
      ['folder/main.yaml:3:19: folder/no.yaml cannot be included: there is no such file'],
    ],
    [
      'a file outside the folder',
      '{ file: ../no.yaml }',
      {},
      ['folder/main.yaml:3:19: ../no.yaml must be a .yaml file in the folder of this file, or below it'],
    ],
    [
      'an absolute path',
      '{ file: /etc/no.yaml }',
      {},
      ['folder/main.yaml:3:19: /etc/no.yaml must be a .yaml file in the folder of this file, or below it'],
    ],
    [
      'a circle',
      '{ file: a.yaml, as: x }',
      {
        'folder/a.yaml':
          'include: [{ file: b.yaml }]\nsteps: { a: { uses: prepare-data, with: { dataset: generated } } }',
        'folder/b.yaml':
          'include: [{ file: a.yaml }]\nsteps: { b: { uses: prepare-data, with: { dataset: generated } } }',
      },
      ['folder/b.yaml:1:19: these files include each other: folder/a.yaml -> folder/b.yaml -> folder/a.yaml'],
    ],
    [
      'a step that is there already',
      '{ file: a.yaml }',
      { 'folder/a.yaml': 'steps:\n  data: { uses: prepare-data, with: { dataset: generated } }' },
      ['folder/main.yaml:5:3: there is a step data already; include the file with another `as`'],
    ],
    [
      'a mistake in the included file, at its own line, and in its params, at the line that gives them',
      '{ file: a.yaml, as: x, with: { seed: text, sed: 1 } }',
      {
        'folder/a.yaml':
          'params: { seed: 1 }\nname: x\nsteps:\n  a: { uses: prepare-data, needs: [dat], with: { dataset: generated } }',
      },
      [
        'folder/a.yaml:2:1: unknown key name; allowed: description, params, include, steps',
        'folder/a.yaml:4:36: there is no step "dat"; did you mean data?',
        'folder/main.yaml:3:48: seed must be a number like its default 1, not "text"',
        'folder/main.yaml:3:54: folder/a.yaml has no param sed; did you mean seed?',
      ],
    ],
  ];
  for (const [what, include, files, expected] of cases)
    it(what, () => expect(read(main(include), files).problems).toEqual(expected));
});
