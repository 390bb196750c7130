import { type Tensor, tf, type Variable } from '../tensorflow.ts';
import type { NodeBackend } from './backend.ts';
import { CaptureError } from './errors.ts';
import type { Edge } from './graph.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { unwatched } from './watch.ts';

/**
 * Which edge of the graph each tensor of the recorded run is.
 *
 * tfjs names the contents of a tensor by an object, its dataId. What an operation recorded here produced is an edge of
 * the graph; whatever else an operation reads was made from values in JavaScript and becomes a constant.
 */
export interface RecordedTensors {
  /** Of each edge of the recorded run. */
  readonly shapes: ReadonlyMap<Edge, readonly number[]>;
  readonly know: (tensor: Pick<Tensor, 'dataId' | 'shape'>, source: Edge) => void;
  /** The edge of a tensor; what is not known yet becomes a constant. @throws CaptureError for a foreign variable */
  readonly edgeOf: (tensor: Tensor) => Edge;
  readonly typeOf: (tensor: Tensor) => number;
  readonly isRecorded: (dataId: object) => boolean;
}

/** @param foreign variables that are not part of the graph, by their dataId */
export function createRecordedTensors(
  builder: GraphBuilder,
  target: NodeBackend,
  foreign: ReadonlyMap<object, Variable>,
): RecordedTensors {
  const edges = new Map<object, Edge>();
  const produced = new Set<object>();
  const shapes = new Map<Edge, readonly number[]>();
  const constantOf = ({ dataId }: Tensor): Edge => {
    const outsider = foreign.get(dataId);
    if (outsider)
      throw new CaptureError(
        `The step reads variable ${outsider.name}, which is not part of its state. Add it to the state, or pass its value as an input.`,
      );
    const data = target.tensorMap.get(dataId);
    if (!data) throw new CaptureError('The step uses a tensor that was disposed of, or that another backend holds.');
    const values = unwatched(() => target.readSync(dataId));
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const constant = builder.constant(data.dtype, data.shape, bytes);
    edges.set(dataId, constant);
    shapes.set(constant, data.shape);
    return constant;
  };
  return {
    shapes,
    know: ({ dataId, shape }, source) => {
      edges.set(dataId, source);
      shapes.set(source, shape);
      produced.add(dataId);
    },
    edgeOf: (tensor) => edges.get(tensor.dataId) ?? constantOf(tensor),
    typeOf: ({ dataId }) => target.tensorMap.get(dataId)?.dtype ?? 0,
    isRecorded: (dataId) => produced.has(dataId),
  };
}

export const registeredVariables = (): Variable[] => Object.values(tf.engine().registeredVariables) as Variable[];
