import { smallPipeline } from '../../e2e/environment.ts';
import { photosPipeline } from '../../e2e/photos-pipeline.ts';
import { pipelineWorkload } from './pipeline.ts';

const epochs = 8;

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
  pipeline: ({ folder }) => photosPipeline(folder, { epochs: 6, collapse: 'ignore' }),
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
