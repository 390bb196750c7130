import type { ArtifactRef } from '../contracts/artifacts.ts';
import { unusableText } from '../contracts/index-change-text.ts';
import type { UsedModel } from '../serving/find-model.ts';
import type { ModelProcess } from '../serving/process/model-process.ts';
import { knownDataset, madeBefore, makeTrainingIndex } from '../serving/training-index.ts';
import type { Store } from '../store/index.ts';
import { shownProgress } from './index-progress.ts';
import { say } from './output.ts';
import { showRowProgress } from './row-progress.ts';

/** What an index of training images is made with. */
export interface TrainingIndexParts {
  readonly store: Store;
  readonly used: UsedModel;
  readonly process: Pick<ModelProcess, 'about' | 'infer'>;
  readonly signal: AbortSignal;
}

/** The index of the images that the model was trained on, made now if it was not before. */
export async function trainingIndex({ store, used, process, signal }: TrainingIndexParts): Promise<ArtifactRef> {
  const dataset = await knownDataset(store, used);
  const before = await madeBefore(store, used.encoder, dataset);
  if (before) return before;
  say(`${used.name} has no index. Making one of the images that it was trained on, which is kept.`);
  const { tell, end } = showRowProgress();
  let leftOut: string | null = null;
  try {
    return await makeTrainingIndex(store, used, dataset, process, {
      onProgress: (done, total) => tell({ phase: 'Embedding training images', done, total }),
      onBuild: (progress) => tell(shownProgress(progress)),
      onUnusable: (unusable) => {
        leftOut = unusableText(unusable);
      },
      signal,
    });
  } finally {
    end();
    if (leftOut !== null) say(leftOut);
  }
}
