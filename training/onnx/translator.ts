import { DataType, dataTypeName } from '../capture/data-types.ts';
import { CaptureError } from '../capture/errors.ts';
import { type Attribute, type Edge, elementsOf, type GraphNode } from '../capture/graph.ts';
import { type OnnxAttribute, type OnnxConstant, type OnnxNode, OnnxType } from './messages.ts';

/** Gathers the nodes and constants of a model while a graph is translated. */
export interface Translator {
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  /** Adds a node of one output; gives its name. @param output where it is known by a name already */
  readonly add: (
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
    output?: string,
  ) => string;
  readonly addMany: (
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>>,
    outputs: readonly string[],
  ) => void;
  /** Adds whole numbers, as shapes and axes are given; gives their name. */
  readonly integers: (values: readonly number[]) => string;
  readonly number: (value: number) => string;
  readonly constant: (constant: OnnxConstant) => void;
}

export function createTranslator(): Translator {
  const nodes: OnnxNode[] = [];
  const constants: OnnxConstant[] = [];
  const numbered = (what: string) => `${what}_${nodes.length + constants.length}`;
  const put = (type: OnnxType, shape: readonly number[], bytes: Uint8Array) => {
    const name = numbered('value');
    constants.push({ name, type, shape, bytes });
    return name;
  };
  return {
    nodes,
    constants,
    add: (op, inputs, attributes = {}, output = numbered(op)) => {
      nodes.push({ op, inputs, outputs: [output], attributes });
      return output;
    },
    addMany: (op, inputs, attributes, outputs) => {
      nodes.push({ op, inputs, outputs, attributes });
    },
    integers: (values) => {
      const wide = BigInt64Array.from(values, BigInt);
      return put(OnnxType.int64, [values.length], new Uint8Array(wide.buffer));
    },
    number: (value) => put(OnnxType.float32, [], new Uint8Array(Float32Array.of(value).buffer)),
    constant: (constant) => {
      constants.push(constant);
    },
  };
}

/** What an edge is called in the model. */
export const nameOf = (edge: Edge): string => edge.replace(':', '_');

/** ONNX's number for one of TensorFlow's types. @throws CaptureError */
export function onnxType(dtype: number): OnnxType {
  const [name] = Object.entries(DataType).find(([, number]) => number === dtype) ?? [];
  if (name && Object.hasOwn(OnnxType, name)) return OnnxType[name as keyof typeof OnnxType];
  throw new CaptureError(`ONNX files of this kind hold no ${dataTypeName(dtype)}.`);
}

/** All values of a constant of the graph. */
export function bytesOfConstant({ dtype, shape, bytes }: Extract<Attribute, { kind: 'tensor' }>): Uint8Array {
  const size = dtype === DataType.uint8 || dtype === DataType.bool ? 1 : 4;
  const whole = size * elementsOf(shape);
  if (bytes.length === whole || bytes.length === 0) return bytes;
  const all = new Uint8Array(whole);
  for (let at = 0; at < whole; at += bytes.length) all.set(bytes, at);
  return all;
}

/** The numbers of a constant that decides a shape. @throws CaptureError where it is computed */
export function integersOf(node: GraphNode | undefined, of: string): number[] {
  const value = node?.attributes.value;
  if (value?.kind !== 'tensor' || value.dtype !== DataType.int32)
    throw new CaptureError(`${of} takes a shape that is computed, which an ONNX file of this kind cannot hold.`);
  const bytes = bytesOfConstant(value);
  return [...new Int32Array(bytes.slice().buffer)];
}
