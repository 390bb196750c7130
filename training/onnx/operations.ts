import { CaptureError } from '../capture/errors.ts';
import { type Edge, edge, type GraphNode } from '../capture/graph.ts';
import type { OnnxAttribute } from './messages.ts';
import { integersOf, nameOf, onnxType, type Translator } from './translator.ts';

/** A node of TensorFlow's that is to be translated. */
export interface Translated {
  readonly node: GraphNode;
  readonly to: Translator;
  /** Names of its operands. */
  readonly inputs: readonly string[];
  /** Its first output. */
  readonly output: string;
  /** The whole numbers that an operand holds. @throws CaptureError where it is computed */
  readonly integers: (operand: number) => number[];
  /** Of an operand. */
  readonly shape: (operand: number) => readonly number[];
}

/** Everything that `operations` needs to know about the graph. */
export interface GraphFacts {
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly shapes: ReadonlyMap<Edge, readonly number[]>;
}

export function translate(node: GraphNode, to: Translator, { nodes, shapes }: GraphFacts): void {
  const { op, name } = node;
  const operation = Object.hasOwn(operations, op) ? operations[op] : undefined;
  if (!operation) throw new CaptureError(`ONNX export knows no ${op}. Export without it: SavedModel has everything.`);
  const inputs = node.inputs.map(nameOf);
  const operandOf = (operand: number) => node.inputs[operand] ?? '';
  operation({
    ...{ node, to, inputs, output: nameOf(edge(name, 0)) },
    integers: (operand) => integersOf(nodes.get(operandOf(operand)), op),
    shape: (operand) => {
      const shape = shapes.get(operandOf(operand));
      if (!shape) throw new CaptureError(`The shape of an operand of ${op} is not known.`);
      return shape;
    },
  });
}

type Operation = (translated: Translated) => void;

/** ONNX's convolutions have channels before rows and columns. */
const toChannelsFirst = { perm: { ints: [0, 3, 1, 2] } };
const toChannelsLast = { perm: { ints: [0, 2, 3, 1] } };

const same =
  (op: string): Operation =>
  ({ to, inputs, output }) =>
    void to.add(op, inputs, {}, output);

/** An operation on images with channels first; its result has them last again. */
function onImages({ to, inputs, output }: Translated, op: string, others: readonly string[], attributes: Attributes) {
  const image = to.add('Transpose', [inputs[0] ?? ''], toChannelsFirst);
  to.add('Transpose', [to.add(op, [image, ...others], attributes)], toChannelsLast, output);
}
type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** Rows and columns of an attribute that has one number for each dimension. */
function spatial({ attributes, op }: GraphNode, name: string): number[] {
  const attribute = attributes[name];
  if (attribute?.kind !== 'ints') throw new CaptureError(`${op} has no ${name}.`);
  return [...attribute.value.slice(1, 3)];
}

function padding({ attributes, op }: GraphNode): Attributes {
  const { padding: way } = attributes;
  if (way?.kind === 'string' && way.value === 'VALID') return { auto_pad: { text: 'VALID' } };
  if (way?.kind === 'string' && way.value === 'SAME') return { auto_pad: { text: 'SAME_UPPER' } };
  throw new CaptureError(`${op} has a padding that ONNX export does not know.`);
}

function real({ attributes, op }: GraphNode, name: string): number {
  const attribute = attributes[name];
  if (attribute?.kind !== 'float') throw new CaptureError(`${op} has no ${name}.`);
  return attribute.value;
}
const isSet = ({ attributes }: GraphNode, name: string): boolean => {
  const attribute = attributes[name];
  return attribute?.kind === 'bool' && attribute.value;
};
const integer = ({ attributes, op }: GraphNode, name: string): number => {
  const attribute = attributes[name];
  if (attribute?.kind !== 'int') throw new CaptureError(`${op} has no ${name}.`);
  return attribute.value;
};

const convolution: Operation = (translated) => {
  const { node, to, inputs } = translated;
  const kernel = to.add('Transpose', [inputs[1] ?? ''], { perm: { ints: [3, 2, 0, 1] } });
  onImages(translated, 'Conv', [kernel], {
    strides: { ints: spatial(node, 'strides') },
    dilations: { ints: spatial(node, 'dilations') },
    ...padding(node),
  });
};

/** A kernel of [rows, columns, channels, multiplier] is one of ONNX's with a group for each channel. */
const depthwise: Operation = (translated) => {
  const { node, to, inputs, shape } = translated;
  const [rows = 1, columns = 1, channels = 1, multiplier = 1] = shape(1);
  const first = to.add('Transpose', [inputs[1] ?? ''], { perm: { ints: [2, 3, 0, 1] } });
  const kernel = to.add('Reshape', [first, to.integers([channels * multiplier, 1, rows, columns])]);
  onImages(translated, 'Conv', [kernel], {
    group: { int: channels },
    strides: { ints: spatial(node, 'strides') },
    dilations: { ints: spatial(node, 'dilations') },
    ...padding(node),
  });
};

const largest: Operation = (translated) =>
  onImages(translated, 'MaxPool', [], {
    kernel_shape: { ints: spatial(translated.node, 'ksize') },
    strides: { ints: spatial(translated.node, 'strides') },
    ...padding(translated.node),
  });

const batchNorm: Operation = (translated) => {
  if (isSet(translated.node, 'is_training'))
    throw new CaptureError('Batch normalisation by the statistics of a batch cannot be exported.');
  onImages(translated, 'BatchNormalization', translated.inputs.slice(1), {
    epsilon: { float: real(translated.node, 'epsilon') },
  });
};

const reduction =
  (op: string): Operation =>
  ({ node, to, inputs, output, integers }) =>
    void to.add(
      op,
      inputs.slice(0, 1),
      { axes: { ints: integers(1) }, keepdims: { int: Number(isSet(node, 'keep_dims')) } },
      output,
    );

/** The one that takes its axes as an operand. */
const sum: Operation = ({ node, to, inputs, output, integers }) =>
  void to.add(
    'ReduceSum',
    [inputs[0] ?? '', to.integers(integers(1))],
    { keepdims: { int: Number(isSet(node, 'keep_dims')) } },
    output,
  );

/** A matrix product, either of whose operands may be transposed. */
const product =
  (first: string, second: string): Operation =>
  ({ node, to, inputs, output, shape }) => {
    const operand = (at: number, transposes: string) =>
      isSet(node, transposes)
        ? to.add('Transpose', [inputs[at] ?? ''], { perm: { ints: lastSwapped(shape(at).length) } })
        : (inputs[at] ?? '');
    to.add('MatMul', [operand(0, first), operand(1, second)], {}, output);
  };
const lastSwapped = (rank: number) => [...Array(rank - 2).keys(), rank - 1, rank - 2];

const slice: Operation = ({ to, inputs, output, integers }) => {
  const [begin, size] = [integers(1), integers(2)];
  const ends = begin.map((from, axis) => (size[axis] === -1 ? toTheEnd : from + (size[axis] ?? 0)));
  to.add('Slice', [inputs[0] ?? '', to.integers(begin), to.integers(ends)], {}, output);
};
/** ONNX ends a slice where the tensor ends. */
const toTheEnd = 2 ** 31 - 1;

/** A value around a tensor; TensorFlow gives pairs for each axis, ONNX all beginnings, then all ends. */
const pad: Operation = ({ to, inputs, output, integers }) => {
  const pairs = integers(1);
  const pads = [...pairs.filter((_, at) => at % 2 === 0), ...pairs.filter((_, at) => at % 2 === 1)];
  to.add('Pad', [inputs[0] ?? '', to.integers(pads), ...inputs.slice(2)], {}, output);
};

const concat: Operation = ({ node, to, inputs, output, integers }) => {
  const [axis = 0] = integers(node.inputs.length - 1);
  to.add('Concat', inputs.slice(0, -1), { axis: { int: axis } }, output);
};

/** Tensors beside each other along a new axis. */
const stack: Operation = ({ node, to, inputs, output }) => {
  const axis = to.integers([integer(node, 'axis')]);
  const raised = inputs.map((input) => to.add('Unsqueeze', [input, axis]));
  to.add('Concat', raised, { axis: { int: integer(node, 'axis') } }, output);
};

const unstack: Operation = ({ node, to, inputs }) => {
  const [axis, count] = [integer(node, 'axis'), integer(node, 'num')];
  const parts = Array.from({ length: count }, (_, at) => `${nameOf(edge(node.name, at))}_part`);
  to.addMany('Split', [inputs[0] ?? '', to.integers(Array<number>(count).fill(1))], { axis: { int: axis } }, parts);
  const axes = to.integers([axis]);
  parts.forEach((part, at) => {
    to.add('Squeeze', [part, axes], {}, nameOf(edge(node.name, at)));
  });
};

const reshape: Operation = ({ to, inputs, output, integers }) =>
  void to.add('Reshape', [inputs[0] ?? '', to.integers(integers(1))], {}, output);

const expand: Operation = ({ to, inputs, output, integers }) =>
  void to.add('Unsqueeze', [inputs[0] ?? '', to.integers(integers(1))], {}, output);

const tile: Operation = ({ to, inputs, output, integers }) =>
  void to.add('Tile', [inputs[0] ?? '', to.integers(integers(1))], {}, output);

const cast: Operation = ({ node, to, inputs, output }) => {
  const { DstT } = node.attributes;
  to.add('Cast', inputs, { to: { int: onnxType(DstT?.kind === 'type' ? DstT.value : 0) } }, output);
};

const indexOfLargest: Operation = ({ to, inputs, output, integers, node }) => {
  const [axis = 0] = integers(1);
  const index = to.add('ArgMax', inputs.slice(0, 1), { axis: { int: axis }, keepdims: { int: 0 } });
  to.add('Cast', [index], { to: { int: onnxType(node.outputs[0] ?? 0) } }, output);
};

const operations: Readonly<Record<string, Operation>> = {
  ...{ Add: same('Add'), AddV2: same('Add'), BiasAdd: same('Add'), Sub: same('Sub'), Mul: same('Mul') },
  ...{ RealDiv: same('Div'), Maximum: same('Max'), Minimum: same('Min'), Pow: same('Pow'), Neg: same('Neg') },
  ...{ Exp: same('Exp'), Log: same('Log'), Sqrt: same('Sqrt'), Tanh: same('Tanh'), Sigmoid: same('Sigmoid') },
  ...{ Erf: same('Erf'), Relu: same('Relu'), Identity: same('Identity') },
  Square: ({ to, inputs: [x = ''], output }) => void to.add('Mul', [x, x], {}, output),
  Rsqrt: ({ to, inputs, output }) => void to.add('Reciprocal', [to.add('Sqrt', inputs)], {}, output),
  Relu6: ({ to, inputs, output }) => void to.add('Clip', [...inputs, to.number(0), to.number(6)], {}, output),
  Softmax: ({ to, inputs, output }) => void to.add('Softmax', inputs, { axis: { int: -1 } }, output),
  Transpose: ({ to, inputs, output, integers }) =>
    void to.add('Transpose', inputs.slice(0, 1), { perm: { ints: integers(1) } }, output),
  ...{ Conv2D: convolution, DepthwiseConv2dNative: depthwise, MaxPool: largest, FusedBatchNormV3: batchNorm },
  ...{ Mean: reduction('ReduceMean'), Max: reduction('ReduceMax'), Min: reduction('ReduceMin'), Sum: sum },
  ...{ MatMul: product('transpose_a', 'transpose_b'), BatchMatMulV2: product('adj_x', 'adj_y') },
  ...{ Slice: slice, PadV2: pad, ConcatV2: concat, Pack: stack, Unpack: unstack, Reshape: reshape },
  ...{ ExpandDims: expand, Tile: tile, Cast: cast, ArgMax: indexOfLargest },
};
