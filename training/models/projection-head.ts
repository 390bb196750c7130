import type { ProjectionConfig } from '../../contracts/training.ts';
import { relu } from '../ops.ts';
import type { ParameterSpec } from '../parameters.ts';
import type { Tensor2D } from '../tensorflow.ts';
import { dense, denseParameters, type Pass } from './layers.ts';

/** The head that the contrastive loss looks through, thrown away after pretraining. */
export interface ProjectionHead {
  readonly parameters: readonly ParameterSpec[];
  /** Length of a projection. */
  readonly width: number;
  /** @param embeddings float32 [n, dimension]; @returns float32 [n, width], not normalised */
  readonly project: (embeddings: Tensor2D, pass: Pass) => Tensor2D;
}

const [hiddenLayer, outputLayer] = ['projection_hidden', 'projection_output'] as const;

/** The head that a config names: a hidden layer and an output, the output alone, or nothing, where projections are the embeddings. */
export function createProjectionHead(dimension: number, config: ProjectionConfig): ProjectionHead {
  if (config === 'none') return { parameters: [], width: dimension, project: (embeddings) => embeddings };
  const { hidden, output } = config;
  if (hidden === 0)
    return {
      parameters: denseParameters(outputLayer, dimension, output),
      width: output,
      project: (embeddings, pass) => dense(embeddings, outputLayer, pass),
    };
  return {
    parameters: [...denseParameters(hiddenLayer, dimension, hidden), ...denseParameters(outputLayer, hidden, output)],
    width: output,
    project: (embeddings, pass) => dense(relu(dense(embeddings, hiddenLayer, pass)), outputLayer, pass),
  };
}

/** What a head was made of, from the shapes of its parameters by name. */
export function headOf(shapes: ReadonlyMap<string, readonly number[]>): ProjectionConfig {
  const [hidden, output] = [hiddenLayer, outputLayer].map((layer) => shapes.get(`${layer}/kernel`)?.[1] ?? 0);
  return { hidden: hidden ?? 0, output: output ?? 0 };
}
