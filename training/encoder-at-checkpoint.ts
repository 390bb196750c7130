import { z } from 'zod';
import { digestSchema } from '../contracts/artifacts.ts';
import { canonicalJson } from '../contracts/json.ts';
import { dataSchema, trainingConfigSchema } from '../contracts/training.ts';
import { describeDataset } from '../datasets/index.ts';
import type { LoadedCheckpoint, Store } from '../store/index.ts';
import { withAverages } from './averages.ts';
import { compileBatchNormStatistics } from './batch-norm-statistics.ts';
import { capture, eagerExecution } from './capture/index.ts';
import { createEmbedder, type Embedder } from './features.ts';
import { frozenParameters } from './fine-tuned-stages.ts';
import { type ImageFormat, imageFormatOf } from './image-format.ts';
import { openImageSource } from './image-source.ts';
import { prepareImages } from './model.ts';
import { createEncoder } from './models/create-encoder.ts';
import { createVariables } from './parameters.ts';
import { readState, writeState } from './state.ts';

/** What decides an encoder, besides its weights, among the settings that checkpoints hold. */
const configSchema = z.object({
  ...trainingConfigSchema.pick({
    encoder: true,
    normalise: true,
    engine: true,
    precision: true,
    seed: true,
    freeze: true,
  }).shape,
  dataset: digestSchema,
});

export interface AtCheckpointOptions {
  /** Called again and again with what is being done; may throw to stop. */
  readonly onProgress: (phase: string, done: number, total: number) => void;
}

/** The encoder of a training as it was at one checkpoint after the other. */
export interface EncoderAtCheckpoint {
  /**
   * Takes the encoder out of a checkpoint as the end of the training would have: by the averages of its weights, where there are
   * any, with batch-norm statistics recomputed over the images that the checkpoint was trained on. What it returned before is of no further use.
   *
   * @throws ContrailError CorruptArtifact when the checkpoint does not hold the encoder that its config names
   */
  readonly take: (
    checkpoint: Pick<LoadedCheckpoint, 'manifest' | 'tensors'>,
    options: AtCheckpointOptions,
  ) => Promise<{ readonly embedder: Embedder; readonly image: ImageFormat }>;
  readonly close: () => Promise<void>;
}

export function createEncoderAtCheckpoint(store: Store): EncoderAtCheckpoint {
  let held: { readonly key: string; readonly opened: Opened } | undefined;
  const close = async () => {
    const last = held;
    held = undefined;
    await last?.opened.close();
  };
  return {
    close,
    take: async ({ manifest, tensors }, options) => {
      const { seed, ...decisive } = configSchema.parse(manifest.config);
      // A training may change under way, even its images, so the next checkpoint may need others.
      const key = canonicalJson(decisive);
      if (held?.key !== key) {
        await close();
        held = { key, opened: await open(store, decisive, options) };
      }
      await held.opened.load(tensors, seed, options);
      return held.opened;
    },
  };
}

type Opened = Awaited<ReturnType<typeof open>>;

async function open(
  store: Store,
  { encoder, normalise, engine, precision, freeze, dataset: digest }: Omit<z.output<typeof configSchema>, 'seed'>,
  { onProgress }: AtCheckpointOptions,
) {
  const dataset = { kind: 'dataset', digest } as const;
  const about = await describeDataset(store, dataset);
  const image = imageFormatOf(about, normalise);
  const source = await openImageSource(store, dataset, 'train', dataSchema.parse({}), (done, total) =>
    onProgress('checking images', done, total),
  );
  const model = createEncoder(encoder, image);
  const state = { variables: createVariables(model.parameters, 0), resident: source.resident };
  // As the training computed, so that the statistics are the same to the bit.
  const execution = engine === 'eager' ? eagerExecution(state) : capture(state, { precision });
  const frozen = frozenParameters(encoder.name, model.stages, freeze);
  const prepare = (images: Parameters<typeof prepareImages>[0]) => prepareImages(images, image, model.channels);
  const recompute = compileBatchNormStatistics({ encoder: model, frozen, prepare, image }, execution);
  const embedder = createEmbedder({ encoder, image });
  return {
    embedder,
    image,
    load: async (
      tensors: LoadedCheckpoint['tensors'],
      seed: number,
      { onProgress: onBatch }: AtCheckpointOptions,
    ): Promise<void> => {
      writeState(model.parameters, execution, withAverages(tensors));
      await recompute({
        source,
        count: about.splits.train.count,
        seed,
        onBatch: (done, total) => onBatch('batch-norm statistics', done, total),
      });
      embedder.load(new Map(readState(model.parameters, execution).map((tensor) => [tensor.name, tensor])));
    },
    close: async () => {
      execution.dispose();
      embedder.dispose();
      await source.close();
    },
  };
}
