import { times } from '../contracts/counted.ts';
import { artifactsIn, loadForgotten, type Store, unlessDamaged } from '../store/index.ts';
import { say } from './output.ts';

/**
 * How many images a data set held that were forgotten after it was made, each with its exact copies.
 *
 * @returns of the digest of a data set
 */
export async function forgottenSince(store: Store): Promise<(dataset: string) => number> {
  const counts = new Map<string, number>();
  for (const { uses } of (await unlessDamaged(loadForgotten(store), say)) ?? [])
    for (const dataset of uses.datasets) counts.set(dataset, (counts.get(dataset) ?? 0) + 1);
  return (dataset) => counts.get(dataset) ?? 0;
}

/** What that means for a step that made the data. */
export const forgottenText = (images: number, run: string, step: string): string =>
  `${times(images, 'image')} ${images === 1 ? 'was' : 'were'} forgotten since, and what held ${images === 1 ? 'it' : 'them'} is removed: \`contrail retry ${run} ${step}\` prepares the data without.`;

/** A line for each step of a run whose data set has lost images. */
export async function forgottenLines(
  store: Store,
  run: string,
  steps: readonly { readonly id: string; readonly uses: string; readonly result: unknown }[],
): Promise<readonly string[]> {
  const since = await forgottenSince(store);
  return steps.flatMap(({ id, uses, result }) => {
    // One that chooses among data sets made none.
    const made = uses === 'choose' ? [] : artifactsIn(result).filter(({ kind }) => kind === 'dataset');
    const images = made.reduce((sum, { digest }) => sum + since(digest), 0);
    return images === 0 ? [] : [`${id}: ${forgottenText(images, run, id)}`];
  });
}
