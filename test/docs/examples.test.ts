import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { stepKindNames, stepKinds } from '../../contracts/step-kinds.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { type Block, blocksOf } from './pages.ts';

/**
 * Every YAML block of the documentation is what it looks like: a pipeline, a file to be included, a part of a pipeline, steps,
 * or the parameters of a step. So each can be copied.
 */
const blocks = blocksOf('yaml');
const included = blocks.find(({ text }) => text.startsWith('params: '))?.text ?? '';
const files = () => ({ text: included });
const plan = (text: string) => parsePipeline({ text, file: 'docs.yaml' }, {}, { files });

const indented = (text: string) => text.replace(/^(?=.)/gm, '  ');
const before = `name: shown
params: { seed: 0, epochs: 20, minimum: 0.5 }
steps:
  data: { uses: prepare-data, with: { dataset: generated } }
  pretrain: { uses: pretrain, needs: [data] }
  probe: { uses: linear-probe, needs: [pretrain] }
`;

type Values = Readonly<Record<string, unknown>>;

/** What a block is, and a check that throws where it is not valid. */
function readingOf(text: string): { readonly what: string; readonly check: () => unknown } {
  const value = parse(text) as Values;
  const keys = Object.keys(value);
  if (keys.includes('name')) return { what: `pipeline ${value.name}`, check: () => plan(text) };
  if (keys.includes('steps'))
    return {
      what: `file to include, ${keys.join(' and ')}`,
      check: () => plan(`${before}include: [{ file: shown.yaml, as: other, with: { pretrained: pretrain } }]\n`),
    };
  if (keys.every((key) => ['onFailure', 'finally', 'schedule', 'defaults'].includes(key)))
    return { what: keys.join(' and '), check: () => plan(before + text) };
  if (keys.join() === 'with') return { what: 'parameters', check: () => checkParameters(value.with) };
  return { what: `steps ${keys.join(', ')}`, check: () => plan(before + indented(text)) };
}

/** Parameters are those of some kind of step. */
function checkParameters(value: unknown): void {
  const problems = stepKindNames.flatMap((name) => {
    const parsed = stepKinds[name].params.safeParse(value);
    return parsed.success ? [] : [`${name}: ${parsed.error.issues[0]?.message}`];
  });
  if (problems.length === stepKindNames.length) throw new Error(`parameters of no kind: ${problems.join('; ')}`);
}

const place = ({ page, line }: Block) => `${page}:${line}`;

describe('YAML in the documentation', () => {
  it('is there', () => expect(blocks.length).toBeGreaterThan(10));

  for (const block of blocks) {
    const { what, check } = readingOf(block.text);
    it(`${place(block)}, ${what}, is valid`, () => expect(check).not.toThrow());
  }

  it('that is wrong is found', () => {
    for (const wrong of ['with: { epochz: 3 }', 'tell: { uses: notfy }', 'finally:\n  last: { uses: notify }'])
      expect(readingOf(wrong).check, wrong).toThrow();
  });

  it('a schedule is read from the pipeline', () => {
    const nightly = blocks.find(({ text }) => text.startsWith('name: nightly'));
    expect(plan(nightly?.text ?? '').schedule).toMatchObject({
      cron: '0 3 * * 1',
      timezone: 'Europe/Paris',
      onlyIfChanged: 'data',
      params: { epochs: 50 },
    });
  });
});
