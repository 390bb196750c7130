import { type ContrastiveConfig, goesByLabels, viewCounts } from '../../contracts/training.ts';
import { createProjectionLoss } from '../losses/projection-loss.ts';
import { createProjectionHead } from '../models/projection-head.ts';
import { type Tensor, tf } from '../tensorflow.ts';
import type { Objective } from './objective.ts';

/**
 * A loss on all views of each image, through a projection head that is thrown away afterwards.
 *
 * @param data classes, which a loss that learns them looks at, and columns of further labels, which one that goes by these looks at
 */
export function contrast(
  config: ContrastiveConfig,
  dimension: number,
  data: { readonly classes: number; readonly labelColumns: number },
): Objective {
  const head = createProjectionHead(dimension, config.projection);
  const loss = createProjectionLoss(config.loss, {
    dimension: head.width,
    classes: data.classes,
    labelColumns: goesByLabels(config) ? data.labelColumns : null,
  });
  const { full, small } = viewCounts(config);
  const views = full + small;
  /** Of view-major rows those of the views of full size: only they enter the queue, as in SwAV's code. */
  const ofFullSize = <T extends Tensor>(rows: T): T =>
    small === 0 ? rows : tf.slice(rows, 0, ((rows.shape[0] ?? 0) / views) * full);
  return {
    views,
    parameters: head.parameters,
    lossParameters: loss.parameters,
    state: loss.state,
    width: head.width,
    head: head.project,
    loss: loss.value,
    separable: loss.separable,
    afterStep: (outputs, labels, variables) => loss.afterStep(ofFullSize(outputs), ofFullSize(labels), variables),
  };
}
