import type { Calibration } from '../contracts/calibration.ts';

/** What a model says of one image. */
export interface Answer {
  readonly label: string;
  /** How likely the label is, 0 to 1. */
  readonly confidence: number;
  /** Whether validation images calibrated the confidence. */
  readonly calibrated: boolean;
  /** The labels that come next, the likeliest first. */
  readonly others: readonly Guess[];
  /** Whether the image is of no class that can be named; null where nothing tells. */
  readonly unknown: boolean | null;
  /** The class of the most similar known image, where the classifier was not trained on it; null otherwise. */
  readonly alike: string | null;
  /** In a sentence for people: what decided whether it is known. */
  readonly because: string;
}

export interface Guess {
  readonly label: string;
  readonly confidence: number;
}

/** An image of the index that is like the one in question. */
export interface Neighbour {
  /** Cosine similarity. */
  readonly score: number;
  readonly label?: string | undefined;
  readonly name?: string | undefined;
}

/** Nearest images of the index that an answer goes by, however many are shown: they name a class where there is no classifier. */
export const voters = 20;

/** A product that is also a training image is as near as that, but for the last digits. */
const rounding = 1e-4;

/** What is known of one image. */
export interface Evidence {
  /** float32 [classes]; null without a classifier. */
  readonly logits: Float32Array | null;
  /** Names of the classes, in the order of the logits. */
  readonly classes: readonly string[];
  /** The `voters` of the index that are most alike, the nearest first; none without an index. */
  readonly neighbours: readonly Neighbour[];
  /** Cosine similarity to the nearest training image that the evaluation keeps; null where it keeps none. */
  readonly known: number | null;
  /** What the evaluation of the classifier chose; null where it did not. */
  readonly calibration: Calibration | null;
}

/**
 * Puts together what classifier, training images and index say. The classifier names the class; without one the neighbours vote.
 *
 * @param guesses how many other labels are wanted
 * @returns null where nothing can name a class: no classifier, and no neighbour with a label
 */
export function answerOf(evidence: Evidence, guesses: number): Answer | null {
  const { logits, classes, neighbours, calibration } = evidence;
  const all = logits ? classified(logits, classes, calibration?.temperature ?? 1) : votes(neighbours);
  const [first, ...rest] = all;
  if (!first) return null;
  return {
    ...first,
    calibrated: logits !== null && calibration !== null,
    others: rest.slice(0, guesses),
    ...familiarity(evidence),
  };
}

/** Whether an image is known, and why. */
export type Familiarity = Pick<Answer, 'unknown' | 'alike' | 'because'>;

/**
 * Whether an image is like what the model knows. The training images decide, with which the threshold was chosen, or the highest logit
 * where none are kept; never how near the index is, which may have seven products or new ones. It can only name a class that
 * the classifier was not trained on: an image that is more like a product of such a class than like any training image is of none
 * of the classes.
 */
export function familiarity(evidence: Evidence): Familiarity {
  return newClass(evidence) ?? { ...likeness(evidence), alike: null };
}

/** What is said of an image like one whose class the classifier was not trained on; null where that is not so. */
function newClass({ logits, classes, neighbours, known, calibration }: Evidence): Familiarity | null {
  const nearest = neighbours.find(({ label }) => label !== undefined);
  if (!logits || nearest?.label === undefined || classes.includes(nearest.label)) return null;
  if (nearest.score < (calibration?.unknown.similarity.threshold ?? -1)) return null;
  if (known !== null && nearest.score <= known + rounding) return null;
  const { label, name, score } = nearest;
  return {
    unknown: true,
    alike: label,
    because: `the most similar image of the index that has a label${name === undefined ? '' : `, ${name},`} has a similarity of ${score.toFixed(3)} and is of ${label}, which the classifier was not trained on`,
  };
}

/** Softmax of logits divided by the temperature, the likeliest first. */
function classified(logits: Float32Array, classes: readonly string[], temperature: number): Guess[] {
  const highest = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const weights = Array.from(logits, (value) => Math.exp((value - highest) / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights
    .map((weight, at) => ({ label: classes[at] ?? String(at), confidence: weight / sum }))
    .sort((a, b) => b.confidence - a.confidence);
}

/** Share of the neighbours that have each label; of labels with as many, that of the nearer neighbour first. */
function votes(neighbours: readonly Neighbour[]): Guess[] {
  const counts = new Map<string, number>();
  for (const { label } of neighbours) if (label !== undefined) counts.set(label, (counts.get(label) ?? 0) + 1);
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  return [...counts]
    .map(([label, count]) => ({ label, confidence: count / total }))
    .sort((a, b) => b.confidence - a.confidence);
}

function likeness({ logits, known, calibration }: Evidence): Pick<Answer, 'unknown' | 'because'> {
  if (!calibration)
    return { unknown: null, because: 'no evaluation with validation images chose from where on an image is unknown' };
  const { similarity, logit } = calibration.unknown;
  if (known !== null) {
    const unknown = known < similarity.threshold;
    return {
      unknown,
      because: `the most similar training image has a similarity of ${known.toFixed(3)}, ${unknown ? 'below' : 'not below'} the threshold of ${similarity.threshold.toFixed(3)}`,
    };
  }
  if (!logits) return { unknown: null, because: 'the evaluation keeps no training images to compare it with' };
  const highest = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const unknown = highest < logit.threshold;
  return {
    unknown,
    because: `the highest logit is ${highest.toFixed(3)}, ${unknown ? 'below' : 'not below'} the threshold of ${logit.threshold.toFixed(3)}; the evaluation keeps no training images to compare with`,
  };
}
