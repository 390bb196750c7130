import { recording, type Step } from './capture/index.ts';
import { createExchange } from './exchange.ts';
import type { TrainingModel } from './model.ts';
import { gatherRows } from './ops.ts';
import type { PartsOfBatch } from './parts-of-batch.ts';
import { onReplica, type Replicas } from './replicas.ts';
import { roundOf } from './round-inputs.ts';
import { forwardAndBackward } from './step.ts';
import { type Scalar, type Tensor, type Tensor2D, tf } from './tensorflow.ts';

/**
 * A step whose parts all pass at once, in one graph: each forward and back on its device, then one update. Where rows look at each other, the
 * outputs of all parts are gathered, and each part goes on backward from its share of the gradient of the loss. It is promised that share
 * when it is recorded, because the loss is recorded after all parts.
 *
 * @param joint whether batch normalisation takes the statistics of all parts
 *
 * Inputs: those of a round of all parts; int32, rows [batch], or labels [batch] or [batch, L]. Output: the loss, or the shares of the parts where they have
 * their own; in float16 also an `UpdateOutcome`, float32 scalar.
 */
export function allPartsStep(
  model: TrainingModel,
  parts: PartsOfBatch,
  { replicas, joint }: { readonly replicas: Replicas; readonly joint: boolean },
): Step {
  const { objective } = model;
  return (inputs, { variables, resident }) => {
    const graph = recording();
    if (!graph) throw new Error('parts pass at once in a captured step only');
    const { ofParts, step, first } = roundOf(inputs.slice(0, -1), parts.count);
    const exchange = joint ? createExchange(graph, parts.count) : null;
    const passes = ofParts.map((ofPart, at) => {
      const part = at === 0 ? first : tf.add(first, tf.scalar(at, 'int32'));
      const { views, labels, places } = parts.gather(ofPart, resident, step, part);
      const share = objective.separable ? null : graph.later([labels.shape[0] ?? 0, objective.width]);
      const loss = (outputs: Tensor2D) =>
        (share
          ? tf.sum(tf.mul(outputs, share.value))
          : tf.div(objective.loss(outputs, labels, variables), parts.count)) as Scalar;
      const gathering = exchange ? { gatherParts: exchange.gatherOf(at) } : {};
      const pass = onReplica(replicas, at, () => forwardAndBackward(model, variables, views(), loss, gathering));
      return { ...pass, places, share };
    });
    const whole = objective.separable ? null : contrast(passes);
    for (const pass of passes) parts.add(variables, pass);
    const outcome = parts.apply(variables, step, whole);
    exchange?.dispose();
    for (const { outputs, statistics } of passes) tf.dispose([outputs, statistics]);
    return [...(whole ? [whole.value] : passes.map(({ value }) => value)), ...outcome];

    /** The loss of all rows; tells each part its share of the gradient. */
    function contrast(of: typeof passes) {
      const labels = parts.labels(inputs.at(-1) as Tensor, resident);
      const outputs = inBatch(of.map(({ outputs: each }) => each));
      const { value, grad } = tf.valueAndGrad((all: Tensor) => objective.loss(all as Tensor2D, labels, variables))(
        outputs,
      );
      for (const { share, places } of of) share?.is(gatherRows(grad, places));
      return { value: value as Scalar, outputs, labels };
    }
  };

  /** The outputs of all parts, view-major over the batch. */
  function inBatch(outputs: readonly Tensor2D[]): Tensor2D {
    const rows = (outputs[0]?.shape[0] ?? 0) / objective.views;
    const views = Array.from({ length: objective.views }, (_, view) =>
      outputs.map((each) => tf.slice(each, [view * rows, 0], [rows, objective.width])),
    );
    return tf.concat(views.flat()) as Tensor2D;
  }
}
