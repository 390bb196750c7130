import { describe, expect, it } from 'vitest';
import { withoutCode } from '../../cli/own-code.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { pages } from './pages.ts';

/** YAML that the documentation shows, with the line that it begins in. */
const shown = pages.flatMap(({ name: page, text }) =>
  [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map((match) => ({
    place: `${page}:${text.slice(0, match.index).split('\n').length + 1}`,
    yaml: match[1] ?? '',
  })),
);

const indented = (text: string, by: number) => text.replaceAll(/^(?=.)/gm, ' '.repeat(by));
const steps = `
steps:
  data: { uses: prepare-data, with: { dataset: generated, size: 112 } }
  pretrain: { uses: pretrain, needs: [data] }
`;

/** A whole pipeline, made of what is shown: one, parts of one, a file that one includes, a step, or parameters of a training. */
function pipelineOf(yaml: string): string {
  if (/^name: /m.test(yaml)) return yaml;
  if (/^(onFailure|finally|include|schedule):/m.test(yaml)) return `name: shown${steps}${yaml}`;
  if (/^params: .*\nsteps:/.test(yaml))
    return `name: shown\ninclude: [{ file: shown.yaml, as: part, with: { pretrained: pretrain } }]${steps}`;
  if (/^with:/.test(yaml))
    return `name: shown${steps}  shown:\n    uses: pretrain\n    needs: [data]\n${indented(yaml, 4)}`;
  return `name: shown${steps}${indented(yaml, 2)}`;
}

describe('YAML in the documentation', () => {
  it('is there', () => expect(shown.length).toBeGreaterThanOrEqual(12));

  for (const { place, yaml } of shown)
    it(`${place} is what it says it is`, () => {
      const included = shown.find((each) => /^params: .*\nsteps:/.test(each.yaml))?.yaml ?? '';
      const plan = parsePipeline(
        { text: pipelineOf(yaml), file: place },
        {},
        {
          files: () => ({ text: included }),
          // test/docs/own-steps.test.ts runs those that the page shows.
          own: withoutCode,
        },
      );
      expect(plan.steps.length).toBeGreaterThanOrEqual(2);
    });

  it('has the schedule that the page on schedules describes', () => {
    const nightly = shown.find(({ yaml }) => yaml.startsWith('name: nightly'));
    expect(parsePipeline({ text: nightly?.yaml ?? '', file: 'nightly.yaml' }).schedule).toMatchObject({
      cron: '0 3 * * 1',
      timezone: 'Europe/Paris',
      onlyIfChanged: 'data',
      params: { epochs: 50 },
    });
  });
});
