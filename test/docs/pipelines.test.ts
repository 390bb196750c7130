import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePipeline } from '../../pipelines/language/index.ts';

/** Pipelines that the documentation shows are valid: they can be copied and run. */
const folder = new URL('../../docs/', import.meta.url);
const shown = ['schedules.md', 'models.md', 'evaluation.md'].flatMap((page) => {
  const text = readFileSync(new URL(page, folder), 'utf8');
  return [...text.matchAll(/^```yaml\n(name:.*?)^```/gms)].map(([, yaml = '']) => ({ page, yaml }));
});

describe('pipelines in the documentation', () => {
  it('are there', () => {
    expect(shown.length).toBeGreaterThanOrEqual(2);
    expect(readdirSync(folder)).toContain('machines.md');
  });
  for (const { page, yaml } of shown)
    it(`${page}: ${/^name: (.*)/.exec(yaml)?.[1]} is valid`, () => {
      expect(parsePipeline({ text: yaml, file: page }).name).toBeTruthy();
    });

  it('a schedule is read from the pipeline', () => {
    const nightly = shown.find(({ yaml }) => yaml.startsWith('name: nightly'));
    expect(parsePipeline({ text: nightly?.yaml ?? '', file: 'nightly.yaml' }).schedule).toMatchObject({
      cron: '0 3 * * 1',
      timezone: 'Europe/Paris',
      onlyIfChanged: 'data',
      params: { epochs: 50 },
    });
  });
});
