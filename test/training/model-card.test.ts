import { describe, expect, it } from 'vitest';
import { encoderAboutSchema } from '../../contracts/encoder.ts';
import { classifierAboutSchema } from '../../contracts/evaluation.ts';
import { modelCard } from '../../training/model-card.ts';

const digest = '0'.repeat(64);
const encoder = encoderAboutSchema.parse({
  encoder: { name: 'small-resnet', channels: 4, blocks: [1] },
  dimension: 4,
  image: { height: 32, width: 32, channels: 1, mean: [0.5], deviation: [0.2] },
  dataset: digest,
  trainingState: digest,
  epochs: 1,
  batchNormImages: 8,
});
const cardOf = (classes: number, evaluation: Record<string, number | null> | null = null) =>
  modelCard(
    {
      encoder,
      classifier: classifierAboutSchema.parse({
        classes: Array.from({ length: classes }, (_, label) => `sku-${label}`),
        dimension: 4,
        encoder: { kind: 'encoder', digest },
        dataset: { kind: 'dataset', digest },
        learningRate: 0.1,
        epochs: 1,
        candidates: [],
      }),
    },
    { run: 'first', evaluation },
  );

describe('the card of a model', () => {
  it('names every class of two hundred', () => {
    expect(cardOf(200).match(/sku-\d+/g)).toHaveLength(200);
    expect(cardOf(200)).not.toContain('The other');
  });

  it('of 20,000 names the first, and says where the others are', () => {
    expect(cardOf(20_000).match(/sku-\d+/g)).toHaveLength(200);
    expect(cardOf(20_000)).toContain('The other 19800 are in `model.json`');
    expect(cardOf(20_000).length).toBeLessThan(10_000);
  });

  it('names the loss that the encoder was trained by', () => {
    const introduction = (loss?: 'arcFace') =>
      modelCard({ encoder: { ...encoder, loss }, classifier: null }, { run: 'first', evaluation: null });
    expect(introduction()).toContain('trained by supervised contrastive learning for 1 epoch');
    expect(introduction('arcFace')).toContain('trained by the ArcFace loss for 1 epoch');
  });

  it('says of what weights the encoder began, what was not trained of it, and that it is an average', () => {
    const sha256 = 'a'.repeat(64);
    const origin = {
      weights: { name: 'hf:timm/convnext@v1 model.safetensors', sha256 },
      frozen: 'stem',
      averaged: 0.99,
    };
    const card = modelCard(
      { encoder, classifier: null },
      { run: 'first', evaluation: null, history: { origin, searches: [] } },
    );
    expect(card).toContain('that started from weights from elsewhere, trained by supervised contrastive learning');
    expect(card).toContain(
      `- Weights that it started from: \`hf:timm/convnext@v1 model.safetensors\`, SHA-256 ${sha256}`,
    );
    expect(card).toContain('- Stages that were not trained: up to stem.');
    expect(card).toContain('exponential moving average of the trained ones, with a decay of 0.99');
    expect(cardOf(2)).not.toMatch(/started from|not trained|average/);
  });

  it('has what searches measured where nothing was evaluated', () => {
    const searches = [{ step: 'after', measures: { queries: 120, recallAt1: 1, mapAtR: null } }];
    const card = modelCard(
      { encoder, classifier: null },
      { run: 'first', evaluation: null, history: { origin: {}, searches } },
    );
    for (const row of ['queries | 120', 'recallAt1 | 1.0000', 'mapAtR | not measured'])
      expect(card).toContain(`| ${row} |`);
    expect(card).toContain('(step after)');
    expect(card).not.toContain('evaluated nothing');
  });

  it('says how many test images leak, and what is measured with them', () => {
    const card = cardOf(2, { top1: null, allTop1: 0.95, cleanTop1: null, copies: 4, nearLeaks: 12 });
    for (const row of ['top1 | not measured', 'allTop1 | 0.9500', 'copies | 4', 'nearLeaks | 12'])
      expect(card).toContain(`| ${row} |`);
    expect(card).toContain('are counted as `copies`, `nearLeaks`. `allTop1` is the accuracy with them');
    expect(cardOf(2, { top1: 0.9 })).not.toContain('counted');
  });
});
