import type { ContrastiveConfig } from '../../contracts/training.ts';
import { createProjectionQueue } from '../losses/projection-queue.ts';
import { normalised, supconLoss } from '../losses/supcon.ts';
import { createProjectionHead } from '../models/projection-head.ts';
import type { Objective } from './objective.ts';

/** SupCon on two views of each image, through a projection head that is thrown away afterwards. */
export function contrast({ projection, loss }: ContrastiveConfig, dimension: number): Objective {
  const head = createProjectionHead(dimension, projection);
  const queue = createProjectionQueue(loss.supcon, projection.output);
  return {
    views: 2,
    parameters: head.parameters,
    state: queue?.variables ?? [],
    width: projection.output,
    head: head.project,
    loss: (outputs, classes, variables) => supconLoss(outputs, classes, loss.supcon, queue?.contents(variables)),
    separable: false,
    afterStep: (outputs, classes, variables) => queue?.push(variables, normalised(outputs), classes),
  };
}
