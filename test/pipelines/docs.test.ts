import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readPipelineFile } from '../../cli/pipeline-file.ts';
import type { StepKind } from '../../contracts/kinds/kind.ts';
import { stepKinds, writtenKindNames } from '../../contracts/step-kinds.ts';
import { stepsPage } from '../../pipelines/language/describe/reference-page.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';

const docs = new URL('../../docs/', import.meta.url);
const page = readFileSync(new URL('pipelines.md', docs), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);

it('the page of kinds is that of the code; `npm run schema` writes it', () =>
  expect(readFileSync(new URL('steps.md', docs), 'utf8')).toBe(stepsPage()));

it('shows every input of a kind, also those that only some parameters ask for', () => {
  const sections = new Map(
    stepsPage()
      .split('\n## ')
      .map((text) => [text.split('\n')[0], text]),
  );
  for (const name of writtenKindNames) {
    const { inputs, otherInputs }: StepKind = stepKinds[name];
    for (const input of Object.keys({ ...inputs, ...otherInputs?.inputs }))
      expect(sections.get(name), name).toContain(`\n| \`${input}\` | `);
  }
  expect(sections.get('embed-images')).toContain('where `splits` are named: the dataset of a step');
});

describe('the examples in docs/pipelines.md', () => {
  const yaml = blocks('yaml');
  const pipelines = yaml.filter((text) => text.startsWith('name: '));
  const included = yaml.find((text) => text.startsWith('params: '));

  it('make the steps that the page says', () => {
    const idsOf = (name: string) => {
      const text = pipelines.find((each) => each.startsWith(`name: ${name}\n`)) ?? '';
      return parsePipeline({ text, file: 'docs.yaml' }, {}, { files: () => ({ text: included ?? '' }) }).steps.map(
        ({ id }) => id,
      );
    };
    expect(idsOf('seeds')).toContain('pretrain@seed=0,temperature=0.05');
    expect(idsOf('seeds')).not.toContain('pretrain@seed=2,temperature=0.1');
    expect(idsOf('two-datasets')).toEqual(['data', 'pretrain', 'fashion-probe', 'fashion-evaluate']);
  });
});

describe('the program in docs/pipelines.md', () => {
  // In the project, so that `contrail/define` is found; in its home, where no other test looks.
  const home = fileURLToPath(new URL('../../.contrail/', import.meta.url));
  mkdirSync(home, { recursive: true });
  const folder = mkdtempSync(join(home, 'program-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is a pipeline', async () => {
    const file = join(folder, 'seeds.ts');
    writeFileSync(file, blocks('ts')[0] ?? '');
    const plan = await readPipelineFile(file, { epochs: 2 });
    expect(plan.matrices?.evaluate?.members).toEqual(['evaluate@seed=0', 'evaluate@seed=1', 'evaluate@seed=2']);
    expect(plan.steps.find(({ id }) => id === 'evaluate@seed=1')?.when).toBe(
      'steps["probe@seed=1"].result.validationTop1 > params.minimum',
    );
    expect(plan.steps.find(({ id }) => id === 'pretrain@seed=1')?.with).toMatchObject({ seed: 1, epochs: 2 });
  });
});
