/** Adam's, as in Keras. */
export const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-7] as const;

/** The learning rate after some of all steps. It falls to nothing, so that the last steps settle. */
export const rateAt = (learningRate: number, done: number, steps: number): number =>
  learningRate * (0.5 + 0.5 * Math.cos((Math.PI * done) / steps));

/** The rate of a step of Adam, counted from 1, with its bias correction. */
export const correctedRate = (rate: number, step: number): number =>
  (rate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);

/** Weights of a linear softmax classifier. */
export interface LinearClassifier {
  /** [dimension, classes] */
  readonly kernel: Float32Array;
  /** [classes] */
  readonly bias: Float32Array;
}

export interface LabelledFeatures {
  /** [count, dimension] */
  readonly features: Float32Array;
  readonly labels: Int32Array;
  readonly count: number;
  readonly dimension: number;
}

export interface FitOptions {
  readonly classes: number;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly seed: number;
  /** Called after each epoch; may throw to stop. */
  readonly onEpoch: (epoch: number) => Promise<void>;
  /** Called after each step, for epochs that take long; may throw to stop. */
  readonly onStep?: () => Promise<void>;
}
