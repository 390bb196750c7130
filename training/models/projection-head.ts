import type { z } from 'zod';
import type { projectionSchema } from '../../contracts/training.ts';
import { relu } from '../ops.ts';
import type { ParameterSpec } from '../parameters.ts';
import type { Tensor2D } from '../tensorflow.ts';
import { dense, denseParameters, type Pass } from './layers.ts';

/** The head that the contrastive loss looks through, thrown away after pretraining. */
export interface ProjectionHead {
  readonly parameters: readonly ParameterSpec[];
  /** @param embeddings float32 [n, dimension]; @returns float32 [n, output], not normalised */
  readonly project: (embeddings: Tensor2D, pass: Pass) => Tensor2D;
}

export function createProjectionHead(dimension: number, config: z.infer<typeof projectionSchema>): ProjectionHead {
  return {
    parameters: [
      ...denseParameters('projection_hidden', dimension, config.hidden),
      ...denseParameters('projection_output', config.hidden, config.output),
    ],
    project: (embeddings, pass) => dense(relu(dense(embeddings, 'projection_hidden', pass)), 'projection_output', pass),
  };
}
