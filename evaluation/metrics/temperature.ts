/** Logits of some images with their classes. */
export interface LabelledLogits {
  /** [count, classes], row-major. */
  readonly logits: Float32Array | Float64Array;
  /** [count], the true classes. */
  readonly labels: Int32Array;
  readonly classes: number;
}

export interface Temperature {
  /** Logits are divided by it. */
  readonly temperature: number;
  /** Mean negative log-likelihood in nats, before and after. */
  readonly negativeLogLikelihood: { readonly before: number; readonly after: number };
}

/** Temperatures beyond these say that a classifier is of no use, not how sure it is. */
const [coldest, hottest] = [0.02, 50] as const;
/** Steps of the golden section: the interval of logarithms, 7.8 long, shrinks below a hundred-thousandth. */
const steps = 29;
const golden = (Math.sqrt(5) - 1) / 2;

/**
 * Finds the temperature by which the softmax fits best (Guo et al. 2017, arXiv:1706.04599), by golden section: the loss has one
 * minimum in it. The target of the true class is 1 - 1 / (images + 2), the rest is shared evenly, as in Platt's scaling (Platt
 * 1999): else a classifier that makes no mistake on a few validation images would always be certain.
 *
 * @param onStep is told how many steps are done, and may throw to stop
 * @returns null where there are no images
 */
export async function fitTemperature(
  data: LabelledLogits,
  onStep: (done: number, total: number) => Promise<void> | void = () => {},
): Promise<Temperature | null> {
  const { labels } = data;
  if (labels.length === 0) return null;
  const smoothing = 1 / (labels.length + 2);
  const lossAt = (log: number) => crossEntropy(data, Math.exp(log), smoothing);
  let [low, high] = [Math.log(coldest), Math.log(hottest)];
  let [left, right] = [high - golden * (high - low), low + golden * (high - low)];
  let [atLeft, atRight] = [lossAt(left), lossAt(right)];
  for (let step = 1; step <= steps; step++) {
    if (atLeft <= atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - golden * (high - low);
      atLeft = lossAt(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + golden * (high - low);
      atRight = lossAt(right);
    }
    await onStep(step, steps);
  }
  const temperature = Math.exp((low + high) / 2);
  return {
    temperature,
    negativeLogLikelihood: { before: crossEntropy(data, 1, 0), after: crossEntropy(data, temperature, 0) },
  };
}

/** Mean cross entropy of softmax(logits / temperature) with targets of which so much is shared by the other classes. */
function crossEntropy({ logits, labels, classes }: LabelledLogits, temperature: number, smoothing: number): number {
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    const start = row * classes;
    let highest = Number.NEGATIVE_INFINITY;
    let total = 0;
    for (let at = start; at < start + classes; at++) {
      const value = logits[at] as number;
      total += value;
      if (value > highest) highest = value;
    }
    let weight = 0;
    for (let at = start; at < start + classes; at++)
      weight += Math.exp(((logits[at] as number) - highest) / temperature);
    const own = logits[start + (labels[row] as number)] as number;
    const rest = classes > 1 ? (total - own) / (classes - 1) : own;
    sum += highest / temperature + Math.log(weight) - ((1 - smoothing) * own + smoothing * rest) / temperature;
  }
  return sum / labels.length;
}
