import { smallPipeline } from '../../e2e/environment.ts';
import { madeWeights } from '../../e2e/made-weights.ts';
import { pipelineWorkload } from './pipeline.ts';

const [epochs, encoder] = [8, { name: 'small-resnet', channels: 4, blocks: [1, 1] }] as const;

/** Data, eight epochs with checkpoints within them, a probe, and an evaluation: the quickstart in small. */
export const small = pipelineWorkload({
  name: 'small',
  pipeline: async () => smallPipeline({ epochs }),
  outcome: ({ data, pretrain, evaluate }) => ({
    dataset: data?.dataset,
    digest: pretrain?.digest,
    encoder: pretrain?.encoder,
    evaluate,
  }),
});

/** Photos of 224 pixels that are kept as files and decoded while it trains, with all that fine-tuning adds. */
export const photos = pipelineWorkload({
  name: 'photos',
  pipeline: async ({ folder }) => `
name: photos
steps:
  data:
    uses: prepare-data
    with: { dataset: generated, generated: { classes: 4, images: 48, channels: 3 }, size: 224, fit: resize }
  pretrain:
    uses: pretrain
    needs: [data]
    with:
      encoder: ${JSON.stringify(encoder)}
      initialWeights: ${JSON.stringify(await madeWeights(folder, encoder))}
      projection: { hidden: 16, output: 8 }
      augmentation: photos
      multiCrop: { views: 2, size: 96 }
      sampler: { balanced: { perClass: 3, within: confused } }
      freeze: { until: stem }
      layerDecay: 0.8
      dropPath: 0.3
      ema: { decay: 0.9 }
      clip: { norm: 1 }
      data: { residentMiB: 0 }
      health: { collapse: { action: ignore } }
      batch: 9
      epochs: 6
      seed: 1
      checkpoint: { everySteps: 1, keep: { last: 50 } }
`,
  outcome: ({ data, pretrain }) => ({
    dataset: data?.dataset,
    digest: pretrain?.digest,
    encoder: pretrain?.encoder,
  }),
});

/** Five settings, of which the better half goes on after one epoch and after two. */
export const sweep = pipelineWorkload({
  name: 'sweep',
  pipeline: async () => `
name: sweep
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { classes: 4, images: 320 } } }
  sweep:
    uses: sweep
    needs: [data]
    with:
      search: random
      trials: 5
      over:
        learningRate: { log: [0.0001, 0.1] }
        temperature: [0.1, 0.2]
      halving: { from: 1, factor: 2 }
      objective: { minimise: "\${steps.pretrain.result.loss}" }
      steps:
        pretrain:
          uses: pretrain
          with:
            encoder: { name: small-resnet, channels: 8, blocks: [1, 1] }
            projection: { hidden: 32, output: 16 }
            loss: { supcon: { temperature: "\${sweep.temperature}" } }
            augmentation: { flip: 0, rotation: 0.02, zoom: 0.1 }
            optimizer: { name: adam, learningRate: "\${sweep.learningRate}" }
            batch: 32
            epochs: 4
            seed: 3
            checkpoint: { everySteps: 3, keep: { last: 20 } }
  probe: { uses: linear-probe, needs: [sweep], with: { epochs: 5, batch: 64, learningRates: [0.05] } }
`,
  outcome: ({ data, sweep: searched, probe }) => ({
    dataset: data?.dataset,
    trial: searched?.trial,
    value: searched?.value,
    order: (searched?.table as readonly { readonly trial: number }[] | undefined)?.map(({ trial }) => trial),
    classifier: probe?.classifier,
  }),
});
