/**
 * Confident learning (Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021,
 * arXiv:1911.00068): an image is confidently of class j where its probability of j is at least the mean that images labelled j
 * have for j. It counts in the confident joint at (its label, the likeliest class that it is confidently of). What lies off the
 * diagonal is suspect. As cleanlab does, an image whose label is also the likeliest class of all is not suspected.
 *
 * Only entries that occur are kept, so memory does not grow with the square of the classes.
 */
export interface ConfidentJoint {
  /** Of each class, the mean probability of it among images labelled so; NaN where there are none. */
  readonly thresholds: Float64Array;
  /** Images at (label, class), by `label * classes + class`. */
  readonly joint: ReadonlyMap<number, number>;
  /** Images off the diagonal that are suspected, with the class that they are confidently of. */
  readonly suspects: readonly Suspect[];
}

export interface Suspect {
  readonly image: number;
  readonly suggested: number;
  /** Probability of the suggested class. */
  readonly confidence: number;
  readonly ownConfidence: number;
  /** Probability of the label less the highest of another class: -1 is the surest mistake. */
  readonly margin: number;
}

/** Mean probability of each class among the images that are labelled so. @param ownConfidence probability of each image's label */
export function confidenceThresholds(
  labels: ArrayLike<number>,
  ownConfidence: ArrayLike<number>,
  classes: number,
): Float64Array {
  const [sums, counts] = [new Float64Array(classes), new Float64Array(classes)];
  for (let image = 0; image < labels.length; image++) {
    const label = labels[image] as number;
    sums[label] = (sums[label] as number) + (ownConfidence[image] as number);
    counts[label] = (counts[label] as number) + 1;
  }
  return sums.map((sum, label) => sum / (counts[label] as number));
}

/** Adds images to a confident joint, some at a time. */
export interface JointBuilder {
  /**
   * @param probabilities [images, classes]
   * @param images what to call each of them
   */
  readonly add: (probabilities: Float32Array, labels: ArrayLike<number>, images: ArrayLike<number>) => void;
  readonly result: () => ConfidentJoint;
}

/** Rounding must not keep an image below a threshold that it made alone. */
const tolerance = 1e-6;

export function confidentJoint(thresholds: Float64Array): JointBuilder {
  const classes = thresholds.length;
  const joint = new Map<number, number>();
  const suspects: Suspect[] = [];
  return {
    add: (probabilities, labels, images) => {
      for (let at = 0; at < labels.length; at++) {
        const own = probabilities.subarray(at * classes, (at + 1) * classes);
        const label = labels[at] as number;
        let [confident, best, other] = [-1, 0, -1];
        for (let each = 0; each < classes; each++) {
          const value = own[each] as number;
          if (value > (own[best] as number)) best = each;
          if (each !== label && (other < 0 || value > (own[other] as number))) other = each;
          const isConfident = value >= (thresholds[each] as number) - tolerance;
          if (isConfident && (confident < 0 || value > (own[confident] as number))) confident = each;
        }
        if (confident < 0) continue;
        const key = label * classes + confident;
        joint.set(key, (joint.get(key) ?? 0) + 1);
        if (confident === label || best === label) continue;
        const ownConfidence = own[label] as number;
        suspects.push({
          image: images[at] as number,
          suggested: confident,
          confidence: own[confident] as number,
          ownConfidence,
          margin: ownConfidence - (own[other] as number),
        });
      }
    },
    result: () => ({
      thresholds,
      joint,
      suspects: suspects.toSorted((a, b) => a.margin - b.margin || a.image - b.image),
    }),
  };
}
