import { madeWeights } from './made-weights.ts';

const encoder = { name: 'small-resnet', channels: 4, blocks: [1, 1] };

/**
 * 36 training images of 224 pixels, kept as files and decoded while it trains; three of each of three classes in a step, which the epoch before
 * confused, two views of full size and two small ones of each; with all that fine-tuning adds, and weights to start from.
 *
 * @param folder where these are written
 * @param options.collapse what is done where all projections become the same
 */
export const photosPipeline = async (
  folder: string,
  { epochs = 4, collapse = 'fail' }: { readonly epochs?: number; readonly collapse?: 'fail' | 'ignore' } = {},
): Promise<string> => `
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
      schedule: { name: constant, warmupEpochs: 1 }
      data: { residentMiB: 0 }
      health: { collapse: { action: ${collapse} } }
      batch: 9
      epochs: ${epochs}
      seed: 1
      checkpoint: { everySteps: 1, keep: { last: 50 } }
`;
