import { DataType } from './data-types.ts';
import { type Attributes, type Edge, edge, type GraphNode, nodeOf, outputOf } from './graph.ts';

/** Operations that gain from fewer bits. TensorFlow's CPU has kernels of both reduced types for all of these and those below. */
const convolutions: ReadonlySet<string> = new Set(['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter']);

/** Operations that keep the precision of what they are given, by the names that tfjs uses. */
const followers: ReadonlySet<string> = new Set([
  'Relu',
  'ReluGrad',
  'MaxPool',
  'MaxPoolGrad',
  'Add',
  'AddV2',
  'PadV2',
  'Slice',
  'Reshape',
  'BiasAdd',
  'BiasAddGrad',
]);

/** Those whose second operand is rounded, where it is a variable or a constant: a bias, what is put around. */
const rounding: ReadonlySet<string> = new Set(['BiasAdd', 'PadV2']);

/** tfjs adds by the old operation, of which a GPU has no kernel for bfloat16. */
const reducedNames: Readonly<Record<string, string>> = { Add: 'AddV2' };

/** Operations of a reduced operand that compute and keep their statistics in float32. */
const normalisations: Readonly<Record<string, { readonly reduced: readonly number[]; readonly results: number }>> = {
  FusedBatchNormV3: { reduced: [0], results: 1 },
  FusedBatchNormGradV3: { reduced: [0, 1], results: 1 },
};

/**
 * Mixed precision: convolutions and what lies between them run in the reduced type; variables, statistics of batch
 * normalisation, matrix products and the loss stay float32. A value is cast where it is needed in the other type, once.
 *
 * @param nodes in an order in which each comes after its inputs
 * @param pays whether a convolution (or a gradient of one) gains by the reduced type; the others stay float32
 */
export function reducePrecision(
  nodes: readonly GraphNode[],
  reduced: 'bfloat16' | 'float16',
  pays: (convolution: GraphNode) => boolean = () => true,
): readonly GraphNode[] {
  const low = DataType[reduced];
  const result: GraphNode[] = [];
  const types = new Map(nodes.map(({ name, outputs }) => [name, outputs]));
  const devices = new Map(nodes.map(({ name, device }) => [name, device]));
  const isFloat = (input: Edge) => types.get(nodeOf(input))?.[outputOf(input)] === DataType.float32;
  /** Edges of the graph whose node now gives the reduced type. */
  const native = new Set<Edge>();
  const given = new Set(nodes.flatMap(({ name, op }) => (op === 'ReadVariableOp' || op === 'Const' ? [name] : [])));
  const casts = new Map<string, Edge>();

  const cast = (input: Edge, from: number, to: number): Edge => {
    const key = `${input}>${to}`;
    const known = casts.get(key);
    if (known !== undefined) return known;
    const name = `${input.replace(':', '_')}_as${to}`;
    const attributes: Attributes = { SrcT: { kind: 'type', value: from }, DstT: { kind: 'type', value: to } };
    // Where the value is: a variable is cast once for all devices, and half of its bytes go to each.
    const device = devices.get(nodeOf(input));
    const node = { name, op: 'Cast', inputs: [input], control: [], attributes, outputs: [to] };
    result.push(device === undefined ? node : { ...node, device });
    casts.set(key, name);
    return name;
  };
  const inReduced = (input: Edge) => (native.has(input) ? input : cast(input, DataType.float32, low));
  const inFull = (input: Edge) => (native.has(input) ? cast(input, low, DataType.float32) : input);

  for (const node of nodes) {
    const floats = node.inputs.filter(isFloat);
    const normalisation = normalisations[node.op];
    const reduces = normalisation
      ? normalisation.reduced.every((index) => native.has(node.inputs[index] as Edge))
      : (convolutions.has(node.op) && pays(node)) ||
        (followers.has(node.op) &&
          native.has(floats[0] as Edge) &&
          floats.every((input) => native.has(input) || (rounding.has(node.op) && given.has(input))));
    if (!reduces) {
      result.push({ ...node, inputs: node.inputs.map(inFull) });
      continue;
    }
    const changes = (index: number) => !normalisation || normalisation.reduced.includes(index);
    const inputs = node.inputs.map((input, index) =>
      isFloat(input) ? (changes(index) ? inReduced(input) : inFull(input)) : input,
    );
    const outputs = node.outputs.map((type, index) =>
      type === DataType.float32 && (!normalisation || index < normalisation.results) ? low : type,
    );
    for (const [index, type] of outputs.entries()) if (type === low) native.add(edge(node.name, index));
    const attributes: Attributes = { ...node.attributes, T: { kind: 'type', value: low } };
    result.push({ ...node, op: reducedNames[node.op] ?? node.op, inputs, outputs, attributes });
  }
  return result;
}
