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

/** A known image that is like the one in question. */
export interface Neighbour {
  /** Cosine similarity. */
  readonly score: number;
  readonly label?: string | undefined;
  readonly name?: string | undefined;
}

/** Nearest images that name a class where there is no classifier. */
export const voters = 20;

/** What is known of one image. */
export interface Evidence {
  /** float32 [classes]; null without a classifier. */
  readonly logits: Float32Array | null;
  /** Names of the classes, in the order of the logits. */
  readonly classes: readonly string[];
  /** The most alike first; null where there is no index to search in. */
  readonly neighbours: readonly Neighbour[] | null;
  /** What the evaluation of the classifier chose; null where it did not. */
  readonly calibration: Calibration | null;
}

/**
 * Puts together what classifier and neighbours say. The classifier names the class; without one the `voters` nearest vote. Whether
 * it is known at all, the nearest neighbour decides where there are any, else the highest logit. An index grows without a training:
 * what is like a product of a class that the classifier was not trained on is of none of its classes.
 *
 * @param guesses how many other labels are wanted
 * @returns null where nothing can name a class: no classifier, and no neighbour with a label
 */
export function answerOf(evidence: Evidence, guesses: number): Answer | null {
  const { logits, classes, neighbours, calibration } = evidence;
  const all = logits
    ? classified(logits, classes, calibration?.temperature ?? 1)
    : votes((neighbours ?? []).slice(0, voters));
  const [first, ...rest] = all;
  if (!first) return null;
  return {
    ...first,
    calibrated: logits !== null && calibration !== null,
    others: rest.slice(0, guesses),
    ...(newClass(evidence) ?? { ...familiarity(evidence), alike: null }),
  };
}

/** What is said of an image like one whose class the classifier was not trained on; null where that is not so. */
function newClass({
  logits,
  classes,
  neighbours,
  calibration,
}: Evidence): Pick<Answer, 'unknown' | 'alike' | 'because'> | null {
  const [nearest] = neighbours ?? [];
  if (!logits || nearest?.label === undefined || classes.includes(nearest.label)) return null;
  if (calibration && nearest.score < calibration.unknown.similarity.threshold) return null;
  const { label, name, score } = nearest;
  return {
    unknown: true,
    alike: label,
    because: `the most similar known image${name === undefined ? '' : `, ${name},`} has a similarity of ${score.toFixed(3)} and is of ${label}, which the classifier was not trained on`,
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

/** Whether an image is like what the model knows, and why. */
export function familiarity({
  logits,
  neighbours,
  calibration,
}: Pick<Evidence, 'logits' | 'neighbours' | 'calibration'>): Pick<Answer, 'unknown' | 'because'> {
  if (!calibration)
    return { unknown: null, because: 'no evaluation with validation images chose from where on an image is unknown' };
  const { similarity, logit } = calibration.unknown;
  const [nearest] = neighbours ?? [];
  if (nearest) {
    const unknown = nearest.score < similarity.threshold;
    return {
      unknown,
      because: `the most similar known image has a similarity of ${nearest.score.toFixed(3)}, ${unknown ? 'below' : 'not below'} the threshold of ${similarity.threshold.toFixed(3)}`,
    };
  }
  if (!logits) return { unknown: null, because: 'there is no known image to compare it with' };
  const highest = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const unknown = highest < logit.threshold;
  return {
    unknown,
    because: `the highest logit is ${highest.toFixed(3)}, ${unknown ? 'below' : 'not below'} the threshold of ${logit.threshold.toFixed(3)}`,
  };
}
