import { expect, it } from 'vitest';
import { openTraining } from '../../activities/open-training.ts';
import { splitParameters } from '../../activities/training.ts';
import { driftOf } from '../../cli/drift.ts';
import { lookAhead } from '../../cli/outlook/outlook.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { recordRun, savePlan, saveStepResult } from '../../store/index.ts';
import { openRun } from '../training/run.ts';
import { generatedData } from '../training/small-training.ts';

/** A setting that a training did not have, and is to have when it is resumed: what is said before it starts is what the start says. */
const { store, dataset } = await generatedData(64, { size: 16 });
const planOf = (more: string) =>
  parsePipeline(
    {
      text: `name: p
steps:
  data: { uses: prepare-data, with: { dataset: generated, size: 16, generated: { images: 64, classes: 2 } } }
  pretrain:
    uses: pretrain
    needs: [data]
    with: { encoder: { name: small-resnet, channels: 4, blocks: [1] }, projection: { hidden: 8, output: 4 }, batch: 16, epochs: 3${more} }
`,
      file: 'p.yaml',
    },
    {},
    { begun: true },
  );
const trainingOf = (more: string) => {
  const plan = planOf(more);
  return { plan, parameters: plan.steps.find(({ id }) => id === 'pretrain')?.with ?? {} };
};

const added = [
  'clip: { norm: 0.5 }',
  'ema: { decay: 0.9 }',
  'freeze: all',
  'minimumSteps: 9',
  'normalise: half',
  'sampler: { balanced: { perClass: 4 } }',
  'microbatch: 8',
];

it.each(added)('%s', async (setting) => {
  const run = `added-${setting.split(':')[0]?.toLowerCase()}`;
  const [before, now] = [trainingOf(''), trainingOf(`, ${setting}`)];
  await savePlan(store, run, before.plan);
  await recordRun(store, { run, pipeline: 'p', params: {}, createdAt: '2026-11-24T09:00:00.000Z', environment: {} });
  await saveStepResult(store, { run, step: 'data' }, { fingerprint: '{}', result: { dataset } });
  await openRun({ store, run, dataset, config: splitParameters('pretrain', before.parameters).config }).train(1);

  const drift = await driftOf(store, run, { before: before.plan, now: now.plan }, {});
  expect(drift.map(({ what }) => what)).toContainEqual(expect.stringMatching(`^pretrain\\.${setting.split(':')[0]}`));
  const { steps } = await lookAhead(store, now.plan, { resume: run, cached: async () => null });
  expect(steps.find(({ step }) => step === 'pretrain')).toMatchObject({ decision: 'refused' });
  const input = { run, step: 'pretrain', uses: 'pretrain', dataset, parameters: now.parameters, accept: false };
  await expect(openTraining({ store } as never, input as never)).rejects.toMatchObject({ code: 'ConfigMismatch' });
});

it('nothing, where nothing was added', async () => {
  const { plan, parameters } = trainingOf('');
  const run = 'as-before';
  await savePlan(store, run, plan);
  await recordRun(store, { run, pipeline: 'p', params: {}, createdAt: '2026-11-24T09:00:00.000Z', environment: {} });
  await saveStepResult(store, { run, step: 'data' }, { fingerprint: '{}', result: { dataset } });
  await openRun({ store, run, dataset, config: splitParameters('pretrain', parameters).config }).train(1);
  expect((await driftOf(store, run, { before: plan, now: plan }, {})).map(({ what }) => what)).toEqual([]);
});
