import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { settingsText } from '../../cli/settings-text.ts';
import { parsePipeline, settingsOf, writtenSettings } from '../../pipelines/language/index.ts';

const file = 'p.yaml';
function shown(steps: string): string {
  const text = `name: p\nsteps:\n  data: { uses: prepare-data, with: { dataset: generated } }\n${steps}`;
  const written = writtenSettings({ text, file }, {}, {});
  const members = parsePipeline({ text, file }).steps.map((step) => ({
    step,
    settings: settingsOf(step, written.get(step.id) ?? {}),
  }));
  return stripVTControlCharacters(settingsText(members));
}

describe('what `plan` shows of the parameters', () => {
  it('is of a step what the pipeline and its recipe say, line by line, and its defaults together', () => {
    const text = shown(
      '  train: { uses: pretrain, needs: [data], with: { recipe: small-data, epochs: 12, optimizer: adam } }\n',
    );
    expect(text).toContain('train (pretrain), recipe small-data\n');
    expect(text).toMatch(/^ {2}epochs +12 +pipeline; the recipe says 40 *$/m);
    expect(text).toMatch(/^ {2}batch +128 +recipe *$/m);
    expect(text).toMatch(/^ {2}by default: .*precision float32/ms);
    expect(text).toMatch(/^ {2}of the recipe not used: optimizer.learningRate 0.2/m);
  });

  it('is of a matrix said once, with the values of each', () => {
    const text = shown(`  train:
    uses: pretrain
    needs: [data]
    matrix: { seed: [0, 1, 2] }
    with: { encoder: small-resnet, seed: "\${matrix.seed}" }\n`);
    expect(text).toContain('train (pretrain, 3 steps)\n');
    expect(text).toMatch(/^ {2}seed +0 \| 1 \| 2 +matrix *$/m);
  });

  it('is of steps that differ in their name alone said once', () => {
    const train = (id: string) => `  ${id}: { uses: pretrain, needs: [data], with: { encoder: small-resnet } }\n`;
    const text = shown(`${train('one')}${train('two')}`);
    expect(text).toContain('one, two (pretrain)\n');
    expect(text.match(/encoder\.name/g)).toHaveLength(1);
  });
});
