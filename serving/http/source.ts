import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { markOfVersions, type Store } from '../../store/index.ts';
import { findModel, type NamedModel, type UsedModel } from '../find-model.ts';
import type { TrainingImages } from './training-images.ts';

/** A model, and in what its look-alikes are found where it has no index. */
export interface FoundModel {
  readonly used: UsedModel;
  /** The index of the images that a promoted version was trained on; null where it has one of its own, or there is none yet. */
  readonly trainingIndex: ArtifactRef | null;
  /** Whether that is being made. */
  readonly isMaking: boolean;
}

/** Where a model comes from, and how it is seen that it is another one. */
export interface Source {
  /** @param how.begins whether an index of training images that is missing is begun */
  readonly find: (how: { readonly begins: boolean }) => Promise<FoundModel>;
  /** Another text once something may have changed; null for a run, which does not change. */
  readonly mark: (() => Promise<string>) | null;
  /** Why there are no look-alikes yet; null where there are, or will be none. */
  readonly lacks: () => string | null;
}

/** @param training null where a version without an index has no look-alikes */
export function sourceOf(store: Store, named: NamedModel, training: TrainingImages | null): Source {
  let last: UsedModel | null = null;
  /** What stands in for the index of a promoted version that has none. */
  const standIn = async (used: UsedModel | null, begins: boolean): Promise<Omit<FoundModel, 'used'>> => {
    if (training === null || used === null || used.index !== null || used.version === null)
      return { trainingIndex: null, isMaking: false };
    const trainingIndex = await training.made(used);
    if (trainingIndex === null && begins) training.begin(used);
    return { trainingIndex, isMaking: training.state(used) === 'making' };
  };
  return {
    find: async ({ begins }) => {
      const used = await findModel(store, named);
      last = used;
      return { used, ...(await standIn(used, begins)) };
    },
    mark:
      'model' in named
        ? async () => {
            const versions = await markOfVersions(store, named.model);
            const { trainingIndex } = await standIn(last, false);
            return `${versions} ${trainingIndex?.digest ?? ''} ${last && training?.state(last)}`;
          }
        : null,
    lacks: () =>
      last !== null && training?.state(last) === 'making'
        ? `An index of the images that ${last.name} was trained on is being made. Until then there are no look-alikes.`
        : null,
  };
}
