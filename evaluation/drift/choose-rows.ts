import type { LookName } from '../../contracts/drift.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { VectorRow } from '../../contracts/vectors.ts';
import { permutation } from '../../datasets/index.ts';

/** Known images among which the nearest is looked for, and recent images that are looked at for what is new. */
const mostKnown = 20_000;
const mostExplored = 10_000;

/** What is kept of a row: an artifact may have a million. */
export type RowFacts = Pick<VectorRow, 'source' | 'group' | 'label' | 'split' | LookName>;

/** Rows of either artifact, by their place in it. */
export interface ChosenRows {
  /** Recent images that neither the training nor the reference has: one of each group, in random order. */
  readonly recent: Int32Array;
  /** Any of them. */
  readonly explored: Int32Array;
  /** How many recent images there are in all without those that were seen, and those. */
  readonly fresh: number;
  readonly seen: number;
  /** Reference images that the encoder was not trained on: one of each group. */
  readonly heldOut: Int32Array;
  readonly split: 'validation' | 'test' | null;
  /** Reference images that the nearest is looked for among; none of a group of `heldOut`. */
  readonly known: Int32Array;
}

/**
 * Chooses what is compared with what. An encoder embeds its training images unlike all others, so recent images are compared with
 * held-out ones: validation images, else test images, else images that are in no split and that the training does not have. The
 * training images are the known ones that the nearest is looked for among; where there are none, half of the held-out groups are.
 *
 * @param trained SHA-256 of the sources of images that the encoder was trained on; null where it was trained on none of ours
 * @param hasLost whether images of the reference are missing, the held-out ones perhaps
 * @throws ContrailError InvalidInput where the reference has no held-out image, and none is missing
 */
export function chooseRows(
  recent: readonly RowFacts[],
  reference: readonly RowFacts[],
  {
    trained,
    hasLost = false,
    sample,
    seed,
  }: {
    readonly trained: ReadonlySet<string> | null;
    readonly hasLost?: boolean;
    readonly sample: number;
    readonly seed: number;
  },
): ChosenRows {
  const inReference = new Set(reference.map(({ source }) => source));
  const fresh = placesOf(recent, ({ source }) => !inReference.has(source) && !trained?.has(source));
  const isTrained = ({ split, source }: RowFacts) => trained !== null && (split === 'train' || trained.has(source));
  const held = (['validation', 'test', undefined, 'train'] as const)
    .map((split) => ({ split, rows: placesOf(reference, (row) => row.split === split && !isTrained(row)) }))
    .find(({ rows }) => rows.length > 0);
  if (!held && !hasLost)
    throw new ContrailError(
      'InvalidInput',
      'The reference has only images that the encoder was trained on. It embeds these unlike any other image, so everything would look drifted: embed the validation split too, `splits: [train, validation]`, and give that as `reference`.',
    );
  const heldRows = held?.rows ?? [];
  const order = inRandomOrder(heldRows, seed, 'held-out images');
  // Of the groups of held-out images none is known: where groups were not kept together, another photo of the same thing would be.
  const heldGroups = new Set(heldRows.flatMap((place) => reference[place]?.group ?? []));
  const isHeld = new Set(heldRows);
  const known = placesOf(reference, (row) => isTrained(row) || row.split === 'train').filter((place) => {
    const group = reference[place]?.group;
    return !isHeld.has(place) && !(group !== undefined && heldGroups.has(group));
  });
  const parts = known.length > 0 ? { tested: order, known } : halves(reference, order);
  return {
    recent: oneOfEachGroup(recent, inRandomOrder(fresh, seed, 'recent images'), sample),
    explored: Int32Array.from(inRandomOrder(fresh, seed, 'explored images').slice(0, mostExplored)),
    fresh: fresh.length,
    seen: recent.length - fresh.length,
    heldOut: oneOfEachGroup(reference, parts.tested, sample),
    split: held?.split === 'validation' || held?.split === 'test' ? held.split : null,
    known: Int32Array.from(inRandomOrder(parts.known, seed, 'known images').slice(0, mostKnown)),
  };
}

/** Whole groups go into one half: two photos of one thing would be each other's nearest. */
function halves(rows: readonly RowFacts[], order: readonly number[]) {
  const sideOf = new Map<string, boolean>();
  let next = true;
  const tested: number[] = [];
  const known: number[] = [];
  for (const place of order) {
    const { group } = rows[place] as RowFacts;
    const side = (group === undefined ? undefined : sideOf.get(group)) ?? next;
    if (group === undefined || !sideOf.has(group)) next = !next;
    if (group !== undefined) sideOf.set(group, side);
    (side ? tested : known).push(place);
  }
  return { tested, known };
}

/** Several photos of one thing are not independent, and tests take what they compare for independent. */
function oneOfEachGroup(rows: readonly RowFacts[], order: readonly number[], most: number): Int32Array {
  const taken = new Set<string>();
  const chosen: number[] = [];
  for (const place of order) {
    if (chosen.length === most) break;
    const group = rows[place]?.group;
    if (group !== undefined) {
      if (taken.has(group)) continue;
      taken.add(group);
    }
    chosen.push(place);
  }
  return Int32Array.from(chosen);
}

const placesOf = (rows: readonly RowFacts[], isWanted: (row: RowFacts) => boolean): number[] =>
  rows.flatMap((row, place) => (isWanted(row) ? [place] : []));

const inRandomOrder = (places: readonly number[], seed: number, purpose: string): number[] =>
  Array.from(permutation(places.length, seed, purpose), (at) => places[at] as number);
