import { type ContrastiveConfig, goesByLabels, viewCounts } from '../../contracts/training.ts';
import { createProjectionQueue } from '../losses/projection-queue.ts';
import { normalised, supconLoss } from '../losses/supcon.ts';
import { createProjectionHead } from '../models/projection-head.ts';
import { type Tensor, tf } from '../tensorflow.ts';
import type { Objective } from './objective.ts';

/**
 * SupCon on all views of each image, through a projection head that is thrown away afterwards.
 *
 * @param labelColumns of further labels; not looked at where the loss goes by classes
 */
export function contrast(config: ContrastiveConfig, dimension: number, labelColumns: number): Objective {
  const { projection, loss } = config;
  const head = createProjectionHead(dimension, projection);
  const queue = createProjectionQueue(loss.supcon, projection.output, goesByLabels(config) ? labelColumns : null);
  const { full, small } = viewCounts(config);
  const views = full + small;
  /** Of view-major rows those of the views of full size: only they enter the queue, as in SwAV's code. */
  const ofFullSize = <T extends Tensor>(rows: T): T =>
    small === 0 ? rows : tf.slice(rows, 0, ((rows.shape[0] ?? 0) / views) * full);
  return {
    views,
    parameters: head.parameters,
    state: queue?.variables ?? [],
    width: projection.output,
    head: head.project,
    loss: (outputs, labels, variables) => supconLoss(outputs, labels, loss.supcon, queue?.contents(variables)),
    separable: false,
    afterStep: (outputs, labels, variables) =>
      queue?.push(variables, normalised(ofFullSize(outputs)), ofFullSize(labels)),
  };
}
