import { type Tensor, tf } from '../tensorflow.ts';
import { CaptureError } from './errors.ts';
import { type Edge, type GraphNode, inOrder } from './graph.ts';
import type { RecordedTensors } from './recorded-tensors.ts';

/** A value that a step uses before it has computed it. */
export interface Later {
  /** Stands for it: float32. It belongs to the tidy that it is asked for in. */
  readonly value: Tensor;
  /** Says what it is. */
  readonly is: (tensor: Tensor) => void;
}

/**
 * Values that are used first and computed afterwards. A graph has no before and after, but it is recorded in an order: what a part of a
 * batch needs of the others, which are recorded after it, is promised to it.
 */
export interface RecordedLaters {
  readonly later: (shape: readonly number[]) => Later;
  /** Puts what was promised in its places. @throws CaptureError where a promise was not kept, or needs itself */
  readonly resolve: (nodes: readonly GraphNode[]) => readonly GraphNode[];
}

export function createRecordedLaters(tensors: Pick<RecordedTensors, 'know' | 'edgeOf'>): RecordedLaters {
  const given = new Map<Edge, Edge | null>();
  const target = (input: Edge): Edge => {
    const next = given.get(input);
    if (next === null) throw new CaptureError('The step uses a value that it promised and did not compute.');
    return next === undefined ? input : target(next);
  };
  return {
    later: (shape) => {
      const promised = `later${given.size}`;
      given.set(promised, null);
      const value = tf.ones([...shape]);
      tensors.know(value, promised);
      return { value, is: (tensor) => void given.set(promised, tensors.edgeOf(tensor)) };
    },
    resolve: (nodes) => {
      if (given.size === 0) return nodes;
      try {
        return inOrder(nodes.map((node) => ({ ...node, inputs: node.inputs.map(target) })));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw new CaptureError('The step promised a value that it can only compute from itself.');
      }
    },
  };
}
