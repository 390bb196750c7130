import { describe, expect, it } from 'vitest';
import { fileList } from '../../contracts/file-list.ts';
import { formatProblem, readPipeline } from '../../pipelines/language/index.ts';

const problemsOf = (steps: string) =>
  readPipeline({ text: `name: p\nsteps:\n${steps}\n`, file: 'p.yaml' }).problems.map(formatProblem);
const made = (id: string, output: string) =>
  `  ${id}: { uses: run, with: { command: [make], outputs: { ${output}: { dataset: images } } } }`;

describe('files that steps write into the report of a run', () => {
  it('are refused where two would be one', () => {
    expect(problemsOf(`${made('a', 'b')}\n  a-b: { uses: prepare-data, with: { dataset: generated } }`)).toEqual([
      "p.yaml:4:3: the list of step a-b would be the file a-b-files.tsv of the run's report, and so would the list of b of step a; rename one of them",
    ]);
    expect(
      problemsOf(
        '  data: { uses: prepare-data, with: { dataset: generated } }\n  pretrain: { uses: pretrain, needs: [data] }\n  data-rejected: { uses: retrieval, needs: [pretrain] }',
      ),
    ).toEqual([
      "p.yaml:5:3: what step data-rejected measures would be the file data-rejected.json of the run's report, and so would what step data rejects; rename one of them",
    ]);
  });

  it('are those that they were where none is another', () => {
    expect(problemsOf(`${made('a', 'b')}\n${made('a-b', 'c')}\n${made('a-b-c', 'd')}\n${made('c', 'a_b')}`)).toEqual(
      [],
    );
    expect([fileList('data'), fileList('made', 'images')]).toEqual(['data-files.tsv', 'made-images-files.tsv']);
  });

  it('are never one for two outputs, since their names have no dash', () => {
    const refused = problemsOf(made('a', 'b-c'));
    expect(refused[0]).toContain('must be letters, digits and underscores');
  });
});
