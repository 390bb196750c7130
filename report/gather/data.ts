import { type ArtifactRef, datasetAboutSchema, splitCountsOf } from '../../contracts/artifacts.ts';
import { dataSummaryOf } from '../../contracts/data-account.ts';
import type { DataReport } from '../../contracts/report.ts';
import { loadRejectedPictures, readAbout, type Store, unlessDamaged } from '../../store/index.ts';
import { examplesOf } from './examples.ts';

/**
 * What is known of a data set that a step made.
 *
 * @param given.pictures whether the page will show images of it
 * @param given.onDamage is told which pictures cannot be shown, and why
 * @throws ContrailError CorruptArtifact, StoreUnreadable
 */
export async function dataOf(
  store: Store,
  step: string,
  ref: ArtifactRef,
  {
    result,
    pictures,
    onDamage,
  }: {
    readonly result: Readonly<Record<string, unknown>>;
    readonly pictures: boolean;
    readonly onDamage: (problem: string) => void;
  },
): Promise<DataReport> {
  const about = await readAbout(store, ref, datasetAboutSchema);
  const summary = dataSummaryOf(result);
  const shown =
    pictures && summary.list !== undefined
      ? await unlessDamaged(loadRejectedPictures(store, summary.list), onDamage)
      : null;
  const pictureOf = new Map((shown ?? []).map(({ path, webp }) => [path, webp]));
  const examples = pictures ? await unlessDamaged(examplesOf(store, ref, about), onDamage) : null;
  return {
    ...{ step, dataset: ref.digest, name: about.name, classes: about.classes.length, summary },
    trainedClasses: about.trainedClasses,
    counts: splitCountsOf(about),
    rejected: about.rejected.map(({ path, reason }) => {
      const picture = pictureOf.get(path);
      return { path, reason, ...(picture === undefined ? {} : { picture }) };
    }),
    ...(examples ? { examples } : {}),
  };
}
