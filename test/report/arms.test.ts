import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../contracts/json.ts';
import type { TrainingReport } from '../../contracts/report.ts';
import { settingText } from '../../contracts/setting-text.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { armsOf } from '../../report/arms.ts';
import { originsIn } from '../../report/gather/origin.ts';
import { gather, renderReport } from '../../report/index.ts';
import { drawOverlay } from '../../report/plots/training.ts';
import { openStore, recordRun, savePlan, saveStepResult } from '../../store/index.ts';
import { complete } from './complete.ts';

const planOf = (steps: string) => parsePipeline({ text: `name: p\nsteps:\n${steps}`, file: 'p.yaml' });
const data = '  data: { uses: prepare-data, with: { dataset: generated } }\n';
const armsIn = (steps: string, apart = false) => {
  const plan = planOf(steps);
  const originOf = originsIn(plan);
  return Object.fromEntries(
    plan.steps.filter(({ id }) => id !== 'data').map(({ id }) => [id, originOf(id, { apart }).arm]),
  );
};

describe('the arms of a report', () => {
  const losses = `${data}  pretrain:
    uses: pretrain
    needs: [data]
    matrix: { loss: [{ supcon: { temperature: 0.1 } }, triplet], seed: [0, 1] }
    with: { encoder: small-resnet, loss: "\${matrix.loss}", seed: "\${matrix.seed}" }
  probe: { uses: linear-probe, needs: [pretrain], matrix: pretrain }
  measure: { uses: evaluate, needs: [probe], matrix: pretrain }
`;

  it('are trainings of one setting: runs that differ in their seed alone', () => {
    const arms = armsIn(losses);
    const supcon = 'pretrain loss=supcon temperature=0.1';
    expect(new Set(Object.values(arms))).toEqual(new Set([supcon, 'pretrain loss=triplet']));
    const measured = Object.entries(arms).filter(([id]) => id.startsWith('measure@'));
    expect(measured.filter(([, arm]) => arm === supcon)).toHaveLength(2);
  });

  it('know a seed by any name', () => {
    const one = `${data}  pretrain:
    uses: pretrain
    needs: [data]
    matrix: { draw: [3, 4] }
    with: { encoder: small-resnet, seed: "\${matrix.draw}" }
`;
    expect(new Set(Object.values(armsIn(one)))).toEqual(new Set(['pretrain']));
  });

  it('do not name a value that all have', () => {
    const one = `${data}  pretrain:
    uses: pretrain
    needs: [data]
    matrix: { epochs: [3], seed: [0, 1] }
    with: { encoder: small-resnet, epochs: "\${matrix.epochs}", seed: "\${matrix.seed}" }
`;
    expect(new Set(Object.values(armsIn(one)))).toEqual(new Set(['pretrain']));
  });

  it('keep measures of one encoder apart that were made in different ways', () => {
    const probes = `${data}  pretrain: { uses: pretrain, needs: [data], with: { encoder: small-resnet } }
  probe:
    uses: linear-probe
    needs: [pretrain]
    matrix: { decay: [0, 0.1] }
    with: { weightDecay: "\${matrix.decay}" }
  measure: { uses: evaluate, needs: [probe], matrix: probe }
`;
    const arms = armsIn(probes, true);
    expect(arms['measure@decay=0']).toBe('pretrain decay=0');
    expect(arms['measure@decay=0.1']).toBe('pretrain decay=0.1');
    expect(arms.pretrain).toBe('pretrain');
  });

  const texts: readonly (readonly [Json, string])[] = [
    [0.1, '0.1'],
    ['adam', 'adam'],
    [{ triplet: { margin: 'soft' } }, 'triplet margin=soft'],
    [{ multiSimilarity: {} }, 'multiSimilarity'],
    [{ name: 'convnext', size: 'tiny' }, 'convnext size=tiny'],
    [{ hidden: 512, output: 128 }, 'hidden=512 output=128'],
    [{ supcon: { temperature: 0.1, hardNegatives: { beta: 1 } } }, 'supcon temperature=0.1 hardNegatives=(beta=1)'],
    [[1, 1], '[1, 1]'],
    [{}, '{}'],
  ];
  it.each(texts)('say %j as "%s"', (value, text) => expect(settingText(value)).toBe(text));

  it('stand below each other where there are many', () => {
    const [first] = complete.evaluations;
    if (!first) throw new Error('there is an evaluation');
    const evaluations = ['a', 'b', 'c', 'd', 'e'].map((arm) => ({ ...first, arm, map: null }));
    const many = { ...complete, evaluations, comparisons: [] };
    const results = renderReport(many, new Map()).split('id="results"')[1]?.split('</table>')[0] ?? '';
    expect(results).toMatch(/<th scope="row">[\s\S]*?e<\/th>/);
    expect(armsOf(many).map(({ name }) => name)).toContain('e');
  });
});

describe('losses over each other', () => {
  const trained = (arm: string, loss: string): TrainingReport => {
    const [first] = complete.trainings;
    if (!first) throw new Error('there is a training');
    return { ...first, arm, step: arm, uses: 'pretrain', loss };
  };

  it('are drawn in one plot only where they are the same loss', () => {
    const trainings = [trained('a', 'SupCon'), trained('b', 'triplet'), trained('c', 'SupCon')];
    const drawings = drawOverlay(
      trainings,
      ['a', 'b', 'c'].map((name, index) => ({ name, index })),
    );
    expect(drawings.map(({ title }) => title)).toEqual(['Loss: SupCon', 'Loss: triplet']);
    expect(new Set(drawings.map(({ name }) => name)).size).toBe(2);
  });
});

describe('a report on weights from elsewhere', () => {
  const sha256 = 'b'.repeat(64);
  let folder: string;
  let store: ReturnType<typeof openStore>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contrail-arms-'));
    store = openStore(join(folder, 'store'));
    const weights = `{ path: /home/someone/mobile.safetensors, sha256: ${sha256} }`;
    const plan = planOf(`${data}  encoder:
    uses: load-encoder
    needs: [data]
    with: { encoder: { name: mobilenetv3, size: small }, weights: ${weights} }
  embed: { uses: embed, needs: [data, encoder] }
  adapter: { uses: adapt, needs: [embed], with: { epochs: 20 } }
  tuned:
    uses: pretrain
    needs: [data]
    with: { encoder: { name: convnext }, initialWeights: { from: 'hf:timm/convnext@v1', sha256: ${sha256} }, freeze: { until: stages.1 }, ema: { decay: 0.99 } }
`);
    await savePlan(store, 'photos', plan);
    await recordRun(store, { run: 'photos', pipeline: 'p', params: {}, createdAt: '2026-11-24T09:00:00.000Z' });
    const done = { fingerprint: '{}', seconds: 31, finishedAt: '2026-11-24T10:00:00.000Z' };
    await saveStepResult(store, { run: 'photos', step: 'adapter' }, { ...done, result: { loss: 1.25, images: 90 } });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('names the file or the hub, its digest, and what was done to it', async () => {
    const report = await gather(store, 'photos');
    const byStep = Object.fromEntries(report.encoders.map((each) => [each.step, each]));
    expect(byStep.encoder?.origin).toEqual({ weights: { name: 'mobile.safetensors', sha256 } });
    expect(byStep.adapter?.origin).toEqual({ weights: { name: 'mobile.safetensors', sha256 } });
    expect(byStep.tuned?.origin).toEqual({
      weights: { name: 'hf:timm/convnext@v1 model.safetensors', sha256 },
      frozen: 'stages.1',
      averaged: 0.99,
    });
    const page = renderReport(report, new Map());
    expect(page).toContain('mobile.safetensors');
    expect(page).toContain('up to stages.1');
    expect(page).not.toContain('/home/someone');
  });

  it('has the adapter among the trainings, with its loss', async () => {
    const report = await gather(store, 'photos');
    expect(report.encoders.find(({ step }) => step === 'adapter')?.adapter).toEqual({
      epochs: 20,
      done: { loss: 1.25, seconds: 31 },
    });
    expect(renderReport(report, new Map())).toMatch(/adapter[\s\S]{0,200}SupCon, on embeddings[\s\S]{0,200}20 of 20/);
  });
});
