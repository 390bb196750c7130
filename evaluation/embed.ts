import { type SplitName, splitNames, splitOf } from '../contracts/artifacts.ts';
import type { EmbeddingsAbout } from '../contracts/embeddings.ts';
import type { JobInput, JobResult } from '../contracts/trainer.ts';
import { describeDataset } from '../datasets/index.ts';
import { bytesOf, createArtifactWriter, encodeSafetensors } from '../store/index.ts';
import type { JobContext } from '../training/index.ts';
import { withFrozenEncoder } from './frozen-encoder.ts';
import type { LabelledFeatures } from './linear-classifier.ts';
import { requireImages } from './split-views.ts';

/** Bytes of embeddings in one file. */
const shardBytes = 16 * 1024 * 1024;

/** Computes the embeddings of a data set and stores them, a file for some thousand images. */
export async function embed(
  { encoder, dataset, parameters }: JobInput<'embed'>,
  context: JobContext,
): Promise<JobResult<'embed'>> {
  const about = await describeDataset(context.store, dataset);
  const names = parameters.splits ?? splitNames.filter((name) => splitOf(about, name).count > 0);
  for (const name of names) requireImages(about, name);
  const artifact = createArtifactWriter(context.store, 'embeddings');
  try {
    return await withFrozenEncoder({ encoder, dataset }, context, async (featuresOf) => {
      const splits: Partial<Record<SplitName, NonNullable<EmbeddingsAbout['splits'][SplitName]>>> = {};
      let [images, dimension] = [0, 1];
      for (const name of splitNames.filter((each) => names.includes(each))) {
        const features = await featuresOf(name);
        ({ dimension } = features);
        images += features.count;
        const shards = [];
        for (const { file, from, to } of shardsOf(name, features)) {
          await artifact.add(file, contentOf(features, from, to));
          shards.push({ file, count: to - from });
        }
        splits[name] = { count: features.count, shards };
      }
      const ref = await artifact.finish({ encoder, dataset, dimension, splits } satisfies EmbeddingsAbout);
      return { embeddings: { ...ref, kind: 'embeddings' }, images, dimension };
    });
  } finally {
    await artifact.discard();
  }
}

function shardsOf(name: SplitName, { count, dimension }: LabelledFeatures) {
  const most = Math.max(1, Math.floor(shardBytes / (4 * dimension)));
  return Array.from({ length: Math.ceil(count / most) }, (_, at) => ({
    file: `${name}-${String(at).padStart(5, '0')}.safetensors`,
    from: at * most,
    to: Math.min(count, (at + 1) * most),
  }));
}

async function* contentOf(
  { features, labels, dimension }: LabelledFeatures,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  yield* encodeSafetensors([
    {
      name: 'embeddings',
      dtype: 'F32',
      shape: [to - from, dimension],
      data: bytesOf(features.subarray(from * dimension, to * dimension)),
    },
    { name: 'labels', dtype: 'I32', shape: [to - from], data: bytesOf(labels.subarray(from, to)) },
  ]);
}
