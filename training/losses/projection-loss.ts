import type { LossConfig } from '../../contracts/losses.ts';
import { namedLoss } from '../../contracts/losses.ts';
import type { ParameterSpec, Variables } from '../parameters.ts';
import type { Scalar, Tensor1D, Tensor2D } from '../tensorflow.ts';
import { arcFaceLoss, classVectors, classVectorsIn, normalisedSoftmaxLoss } from './class-vectors.ts';
import { multiSimilarityLoss } from './multi-similarity.ts';
import { nPairsLoss } from './n-pairs.ts';
import { normalised } from './pairs.ts';
import { createProjectionQueue } from './projection-queue.ts';
import { supconLoss } from './supcon.ts';
import { tripletLoss } from './triplet.ts';

/** What is minimised over the projections of all views of a batch. */
export interface ProjectionLoss {
  /** What it learns itself. */
  readonly parameters: readonly ParameterSpec[];
  /** What it keeps from step to step. */
  readonly state: readonly ParameterSpec[];
  /**
   * @param projections float32 [rows, dimension], unnormalised, view-major
   * @param labels int32 [rows], or [rows, L] of several labels
   * @returns float32 scalar, differentiable in `projections` and the parameters
   */
  readonly value: (projections: Tensor2D, labels: Tensor1D | Tensor2D, variables: Variables) => Scalar;
  /** The loss of a batch is the mean of the losses of its equal parts: no row looks at another. */
  readonly separable: boolean;
  /** Called once a step, after the variables were updated. */
  readonly afterStep: (projections: Tensor2D, labels: Tensor1D | Tensor2D, variables: Variables) => void;
}

/** What the rows of a loss are like. */
export interface Rows {
  /** Length of a projection. */
  readonly dimension: number;
  /** Of the data set. */
  readonly classes: number;
  /** Columns of further labels that the loss goes by; null where it goes by classes. */
  readonly labelColumns: number | null;
}

/** The loss that a config names. */
export function createProjectionLoss(config: LossConfig, rows: Rows): ProjectionLoss {
  const loss = namedLoss(config);
  switch (loss.name) {
    case 'supcon': {
      const queue = createProjectionQueue(loss.settings, rows.dimension, rows.labelColumns);
      return {
        parameters: [],
        state: queue?.variables ?? [],
        value: (projections, labels, variables) =>
          supconLoss(projections, labels, loss.settings, queue?.contents(variables)),
        separable: false,
        afterStep: (projections, labels, variables) => queue?.push(variables, normalised(projections), labels),
      };
    }
    case 'nPairs':
      return ofPairs((projections, labels) => nPairsLoss(projections, labels, loss.settings));
    case 'triplet':
      return ofPairs((projections, labels) => tripletLoss(projections, labels, loss.settings));
    case 'multiSimilarity':
      return ofPairs((projections, labels) => multiSimilarityLoss(projections, labels, loss.settings));
    case 'normalisedSoftmax':
      return ofClasses(rows, (projections, labels, vectors) =>
        normalisedSoftmaxLoss(projections, labels, vectors, loss.settings),
      );
    case 'arcFace':
      return ofClasses(rows, (projections, labels, vectors) =>
        arcFaceLoss(projections, labels, vectors, loss.settings),
      );
  }
}

/** A loss that compares the rows with each other. */
const ofPairs = (value: (projections: Tensor2D, labels: Tensor1D) => Scalar): ProjectionLoss => ({
  parameters: [],
  state: [],
  value: (projections, labels) => value(projections, labels as Tensor1D),
  separable: false,
  afterStep: () => {},
});

/** A loss that compares each row with a learned vector of each class. */
const ofClasses = (
  { classes, dimension }: Rows,
  value: (projections: Tensor2D, labels: Tensor1D, vectors: Tensor2D) => Scalar,
): ProjectionLoss => ({
  parameters: classVectors(classes, dimension),
  state: [],
  value: (projections, labels, variables) => value(projections, labels as Tensor1D, classVectorsIn(variables)),
  separable: true,
  afterStep: () => {},
});
