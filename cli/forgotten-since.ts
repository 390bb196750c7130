import type { ArtifactKind } from '../contracts/artifacts.ts';
import { times } from '../contracts/counted.ts';
import { artifactsIn, emptiedAt, loadForgotten, type Store, unlessDamaged } from '../store/index.ts';
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

/** Whether a step of this kind may make a data set; others may name one that they were given. */
export const makesData = (uses: string): boolean => ['prepare-data', 'run', 'own'].includes(uses);

/** What a step of this kind makes that an image is removed from as a whole file; null for other kinds. */
const embeddedBy = (uses: string): ArtifactKind | null =>
  uses === 'embed-images' ? 'vectors' : uses === 'build-index' ? 'index' : null;

/** What that means for a step that made the data. */
export const forgottenText = (images: number, run: string, step: string): string =>
  `${times(images, 'image')} ${images === 1 ? 'was' : 'were'} forgotten since, and what held ${images === 1 ? 'it' : 'them'} is removed: \`contrail retry ${run} ${step}\` prepares the data without.`;

/** A line for each step of a run whose data set, embedded images or index has lost images. */
export async function forgottenLines(
  store: Store,
  run: string,
  steps: readonly { readonly id: string; readonly uses: string; readonly result: unknown }[],
): Promise<readonly string[]> {
  const since = await forgottenSince(store);
  const lines: string[] = [];
  for (const { id, uses, result } of steps) {
    const made = artifactsIn(result);
    const datasets = makesData(uses) ? made.filter(({ kind }) => kind === 'dataset') : [];
    const images = datasets.reduce((sum, { digest }) => sum + since(digest), 0);
    if (images > 0) lines.push(`${id}: ${forgottenText(images, run, id)}`);
    for (const ref of made.filter(({ kind }) => kind === embeddedBy(uses))) {
      const at = await unlessDamaged(emptiedAt(store, ref), say);
      if (at === null || at === undefined) continue;
      const remedy =
        ref.kind === 'index'
          ? '`contrail retry` of the step that embedded its images makes both without'
          : `\`contrail retry ${run} ${id}\` embeds the others again`;
      lines.push(`${id}: an image was forgotten on ${at.slice(0, 10)} that it held, and files are removed: ${remedy}.`);
    }
  }
  return lines;
}
