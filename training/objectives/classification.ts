import type { ClassifierConfig } from '../../contracts/training.ts';
import { softmaxCrossEntropy } from '../losses/cross-entropy.ts';
import { dense, denseParameters } from '../models/layers.ts';
import type { Tensor1D } from '../tensorflow.ts';
import type { Objective } from './objective.ts';

/** The layer that classifies embeddings. */
export const classifierLayer = 'classifier';

/** Cross-entropy of a linear softmax classifier on the embedding, trained together with the encoder. */
export function classification({ loss, views }: ClassifierConfig, dimension: number, classes: number): Objective {
  return {
    views,
    parameters: denseParameters(classifierLayer, dimension, classes),
    lossParameters: [],
    state: [],
    width: classes,
    head: (embeddings, pass) => dense(embeddings, classifierLayer, pass),
    loss: (logits, labels) => softmaxCrossEntropy(logits, labels as Tensor1D, loss.crossEntropy.labelSmoothing),
    separable: true,
    afterStep: () => {},
  };
}
