import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openPipelineFile } from '../../cli/pipeline-file.ts';
import lead from '../../examples/emoji/steps/lead.ts';
import { runStep } from './run-step.ts';

const planOf = async (path: string) =>
  (await openPipelineFile(join(fileURLToPath(new URL('../../examples', import.meta.url)), path))).plan({});

describe('the pipeline of the emoji', () => {
  it('trains on no emoji that it reports on, with three seeds, and searches by each encoder and by pixels', async () => {
    const { steps } = await planOf('emoji/emoji.yaml');
    const kinds = steps.map(({ uses }) => uses);
    const count = (kind: string) => kinds.filter((each) => each === kind).length;
    expect([count('pretrain'), count('retrieval'), count('own')]).toEqual([6, 12, 3]);
    expect(steps.find(({ id }) => id === 'data')?.with).toMatchObject({
      size: 64,
      split: { by: 'class', validation: 0.15, test: 0.3 },
    });
  });
});

describe('the pipeline of the stamps', () => {
  it('searches by SupCon, by cross-entropy and by the untrained encoder', async () => {
    const { steps } = await planOf('tuxpaint/tuxpaint.yaml');
    const encoders = steps.flatMap(({ uses, inputs }) => (uses === 'retrieval' ? [inputs.encoder?.step] : []));
    expect(encoders).toEqual(['pretrain', 'classifier', 'untrained']);
  });
});

describe('the lead of a trained encoder', () => {
  it('is over the searches of one seed, and of the seed with the smallest', () => {
    const parameters = {
      trained: [
        [0.5, 0.7],
        [0.7, 0.7],
      ],
      untrained: [
        [0.1, 0.3],
        [0.1, 0.5],
      ],
      pixels: [0.2, 0.4],
    };
    const result = runStep(lead, { parameters }) as Record<string, number>;
    const rounded = Object.entries(result).map(([name, value]) => [name, Number(value.toFixed(6))]);
    expect(Object.fromEntries(rounded)).toEqual({
      trained: 0.65,
      untrained: 0.25,
      pixels: 0.3,
      overUntrained: 0.3,
      overPixels: 0.3,
    });
  });
});
