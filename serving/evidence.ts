import type { Hit, VectorIndex } from '../vectors/index.ts';
import { type Evidence, type Neighbour, voters } from './answers.ts';
import type { RejectedPhoto, SeenPhoto } from './ask.ts';
import { type Computed, queriesOf } from './compute.ts';
import type { Knowing } from './open-knowing.ts';

/** What answers are made by. The commands and the server share this, so that a photo has one answer. */
export interface AnsweredBy {
  readonly index: Pick<VectorIndex, 'search' | 'row'> | null;
  readonly knowing: Pick<Knowing, 'calibration' | 'known'>;
  /** Of the classifier, in the order of its logits. */
  readonly classes: readonly string[];
}

/** What is known of a photo, and what of the index it was compared with. */
export interface FoundEvidence {
  readonly evidence: Evidence;
  /** The rows of the index that are most alike, the nearest first: as many as were asked for. */
  readonly hits: readonly Hit[];
}

/**
 * Compares photos with the training images that the evaluation keeps, and with the index.
 *
 * @param k rows of the index that are wanted; how many they are changes no answer
 */
export async function evidenceOf(
  { index, knowing: { calibration, known }, classes }: AnsweredBy,
  computed: readonly Computed[],
  k: number,
): Promise<readonly FoundEvidence[]> {
  if (computed.length === 0) return [];
  const queries = queriesOf(computed);
  const search = (wanted: number) => index?.search(queries, wanted) ?? computed.map(() => []);
  // An approximate search may find other rows where more are wanted, so answers go by a search of their own.
  const [similarities, voting, wanted] = await Promise.all([
    known?.nearest(queries) ?? [],
    search(voters),
    k > voters ? search(k) : null,
  ]);
  return Promise.all(
    computed.map(async ({ logits }, at) => {
      const own = voting[at] ?? [];
      const neighbours = index ? await neighboursOf(index, own, logits !== null) : [];
      return {
        evidence: { logits, classes, neighbours, known: similarities[at] ?? null, calibration },
        hits: (wanted?.[at] ?? own).slice(0, k),
      };
    }),
  );
}

/** As `evidenceOf`, of what came of a batch of photos, in its order. */
export async function comparedPhotos(
  by: AnsweredBy,
  batch: readonly (SeenPhoto | RejectedPhoto)[],
  k: number,
): Promise<readonly ((SeenPhoto & FoundEvidence) | RejectedPhoto)[]> {
  const found = await evidenceOf(
    by,
    batch.filter((photo): photo is SeenPhoto => !('rejected' in photo)),
    k,
  );
  let at = 0;
  return batch.map((photo) => ('rejected' in photo ? photo : { ...photo, ...(found[at++] as FoundEvidence) }));
}

/** The rows that were found; with a classifier none after the first that has a label, which is all that an answer asks for. */
async function neighboursOf(
  index: Pick<VectorIndex, 'row'>,
  hits: readonly Hit[],
  hasClassifier: boolean,
): Promise<readonly Neighbour[]> {
  const neighbours: Neighbour[] = [];
  for (const { row, score } of hits) {
    const { label, name } = await index.row(row);
    neighbours.push({ score, label, name });
    if (hasClassifier && label !== undefined) break;
  }
  return neighbours;
}
