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
