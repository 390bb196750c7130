import { count, times } from '../contracts/counted.ts';
import { ContrailError } from '../contracts/errors.ts';
import { indexAgain } from '../contracts/index-again.ts';
import { otherFilesText, sameNameText, unusableText } from '../contracts/index-change-text.ts';
import type { ModelVersion } from '../contracts/models.ts';
import {
  type IndexAbout,
  type IndexJob,
  type IndexJobResult,
  indexAboutSchema,
  namePrefixSchema,
} from '../contracts/vector-index.ts';
import { changeIndex } from '../evaluation/promotion/change-index.ts';
import { currentVersion } from '../serving/find-model.ts';
import { readAbout, type Store } from '../store/index.ts';
import { runIndexJob } from '../vectors/index.ts';
import { withIndexProgress } from './index-progress.ts';
import { printJson, say } from './output.ts';

/** The index of a version. @throws ContrailError Usage where it has none */
export function indexOf({ model, version, index }: ModelVersion) {
  if (index) return index;
  throw new ContrailError(
    'Usage',
    `Version ${version} of ${model} has no index of its own. To give it one, ${indexAgain(model)}. Until then its look-alikes are the images that it was trained on.`,
  );
}

interface ChangeOptions {
  readonly threads?: number | undefined;
  readonly json: boolean;
}

/**
 * Has an index built or changed, and makes it that of the model. An addition or a removal beside which the model got another version is
 * made again upon that; a build is not, as what was added meanwhile would not be in it.
 *
 * @param jobOn what is to be done to the index of a version
 * @returns the exit code
 * @throws ContrailError RunFailed where another version came while an index was built
 */
export async function changeIndexOf(
  store: Store,
  first: ModelVersion,
  jobOn: (current: ModelVersion) => IndexJob | Promise<IndexJob>,
  options: ChangeOptions,
): Promise<number> {
  for (let current = first; ; ) {
    const job = await jobOn(current);
    if (await changed(store, current, job, options)) return 0;
    const { model, version } = current;
    current = await currentVersion(store, model);
    const came = `${model} got version ${current.version} (${current.reason}) while the index for version ${version} was made`;
    if (job.do === 'build')
      throw new ContrailError(
        'RunFailed',
        `${came}, so nothing was changed. Images that were added meanwhile would not be in the new index. The same command builds it all the same.`,
      );
    say(`${came}. The change is made again upon that.`);
  }
}

/** @returns whether it was done; not where the model has another version by now */
async function changed(
  store: Store,
  current: ModelVersion,
  job: IndexJob,
  { threads, json }: ChangeOptions,
): Promise<boolean> {
  const made = await withIndexProgress((onProgress) => runIndexJob(store, job, { threads, onProgress }));
  const { index, unchanged, otherFiles, sameName, unusable, ...counts } = made;
  const about = await readAbout(store, index, indexAboutSchema);
  const { model } = current;
  if (index.digest === current.index?.digest) {
    if (json) printJson({ model, version: current.version, ...made, count: about.count });
    else {
      tellNames(made);
      say(
        unusable.count > 0 && unchanged === 0
          ? `${model} stays as it is.`
          : `${model} stays as it is: its index has ${unchanged === 0 ? 'these images' : `all ${times(unchanged, 'image')}`} already.`,
      );
    }
    return true;
  }
  const reason = `index ${changeText(job, counts, about)}`;
  const version = (await changeIndex(store, current, index, reason))?.version;
  if (version === undefined) return false;
  if (json) printJson({ model, version, ...made, count: about.count, method: about.method, recall: about.recall });
  else {
    tellNames(made);
    if (unchanged > 0) say(`${times(unchanged, 'image')} ${unchanged === 1 ? 'was' : 'were'} in it already.`);
    say(`${model} is now version ${version}: ${reason}.`);
  }
  return true;
}

/** What a change did to images that somebody may miss. */
function tellNames({ otherFiles, sameName, unusable }: IndexJobResult): void {
  if (unusable.count > 0) say(unusableText(unusable));
  if (sameName.count > 0) say(sameNameText(sameName));
  if (otherFiles.count > 0)
    say(
      `${otherFilesText(otherFiles)} If these are images of two folders, \`contrail models rollback\` takes the change back, and --prefix keeps their names apart.`,
    );
}

/** @throws ContrailError Usage for a beginning of names that is none */
export function checkPrefix(prefix: string | undefined): void {
  if (prefix === undefined || namePrefixSchema.safeParse(prefix).success) return;
  throw new ContrailError('Usage', '--prefix takes a text of 1 to 500 characters, such as `shop-a/`.');
}

/** What was done to an index, as in "built of 1 000 images, exact". */
function changeText(
  job: IndexJob,
  { added, replaced, removed }: Readonly<Record<'added' | 'replaced' | 'removed', number>>,
  about: IndexAbout,
): string {
  const how = searchText(about);
  if (job.do === 'build') return `built of ${times(about.count, 'image')}, ${how}`;
  const parts = [
    ...(added > 0 ? [`${count(added)} added`] : []),
    ...(replaced > 0 ? [`${count(replaced)} replaced`] : []),
    ...(removed > 0 ? [`${count(removed)} removed`] : []),
  ];
  return `changed, ${parts.join(', ')}: ${times(about.count, 'image')}, ${how}`;
}

/** How an index is searched, and what that misses. */
export const searchText = ({ method, recall }: IndexAbout): string =>
  method === 'exact' ? 'exact' : `approximate with recall@${recall.k} ${recall.value.toFixed(3)}`;
