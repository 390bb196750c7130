import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openPipelineFile } from '../../cli/pipeline-file.ts';
import { pretrainParameters } from '../../contracts/kinds/pretrain.ts';
import { lossNames, namedLoss } from '../../contracts/losses.ts';

const folder = fileURLToPath(new URL('../../pipelines/', import.meta.url));
const planOf = async (name: string, params = {}) =>
  (await openPipelineFile(`${folder}${name}`, { runCode: false })).plan(params);
const shipped = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

it.each(shipped)('%s, which ships, is a pipeline', async (name) => {
  expect((await planOf(name, name === 'catalogue.yaml' ? { path: 'photos' } : {})).steps.length).toBeGreaterThan(3);
});

describe('the pipeline of the losses', () => {
  it('trains by every loss under the same budget, and compares SupCon with each other arm', async () => {
    const { steps } = await planOf('losses.yaml', { seeds: [0, 1] });
    const configs = steps.flatMap((step) => (step.uses === 'pretrain' ? [pretrainParameters.parse(step.with)] : []));
    expect(new Set(configs.map(({ loss }) => namedLoss(loss).name))).toEqual(new Set(lossNames));
    expect(new Set(configs.map(({ loss: _, seed: __, ...rest }) => JSON.stringify(rest))).size).toBe(1);
    const arms = configs.length / 2;
    expect(steps.filter(({ uses }) => uses === 'compare')).toHaveLength(arms - 1);
  });
});
