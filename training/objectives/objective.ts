import type { Pass } from '../models/layers.ts';
import type { ParameterSpec, Variables } from '../parameters.ts';
import type { Scalar, Tensor1D, Tensor2D } from '../tensorflow.ts';

/** What rows are labelled with: int32 [rows], their classes; where the config goes by further labels [rows, L], -1 for none. */
export type Labels = Tensor1D | Tensor2D;

/** What stands on the encoder in training, and what is minimised. */
export interface Objective {
  /** Augmented views of each image. */
  readonly views: number;
  /** Of the head. */
  readonly parameters: readonly ParameterSpec[];
  /** What the loss itself learns, such as a vector for each class. */
  readonly lossParameters: readonly ParameterSpec[];
  /** What is kept from step to step besides. */
  readonly state: readonly ParameterSpec[];
  /** Length of a row of outputs. */
  readonly width: number;
  /** @param embeddings float32 [rows, dimension]; @returns float32 [rows, width] */
  readonly head: (embeddings: Tensor2D, pass: Pass) => Tensor2D;
  /** @returns the mean over the rows, float32 scalar, differentiable in `outputs` */
  readonly loss: (outputs: Tensor2D, labels: Labels, variables: Variables) => Scalar;
  /** The loss of a batch is the mean of the losses of its equal parts: no row looks at another. */
  readonly separable: boolean;
  /** Called once a step, after the variables were updated. */
  readonly afterStep: (outputs: Tensor2D, labels: Labels, variables: Variables) => void;
}
