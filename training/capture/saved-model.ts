import { createRequire } from 'node:module';
import { DataType } from './data-types.ts';
import { type Attribute, elementsOf, type GraphNode } from './graph.ts';

const require = createRequire(import.meta.url);

/** A message of tfjs-node's protobuf module, which has no types. */
type Message = Record<string, (...values: unknown[]) => Message> & { serializeBinary(): Uint8Array };
type MessageClass = { new (): Message } & Record<string, new () => Message>;
const messages = require('@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js') as Record<string, MessageClass>;

const make = (name: string, part?: string): Message => {
  const Class = messages[name] as MessageClass;
  return part === undefined ? new Class() : new (Class[part] as new () => Message)();
};

/** Of a graph that is loaded here, and by nobody else. */
export const graphTag = 'contrail';

/** One tensor of a signature. A dimension of -1 may be any size. */
export interface SignatureTensor {
  readonly name: string;
  readonly dtype: number;
  readonly shape: readonly number[];
}

/** How a program from outside calls the graph: its tensors by the names that the caller uses. */
export interface Signature {
  readonly inputs: Readonly<Record<string, SignatureTensor>>;
  readonly outputs: Readonly<Record<string, SignatureTensor>>;
}

export interface SavedModelContent {
  readonly nodes: readonly GraphNode[];
  readonly tag: string;
  readonly signatures?: Readonly<Record<string, Signature>>;
}

/** The bytes of `saved_model.pb`: one graph under one tag. */
export function encodeSavedModel({ nodes, tag, signatures = {} }: SavedModelContent): Uint8Array {
  const versions = call(make('VersionDef'), { setProducer: graphVersion, setMinConsumer: 12 });
  const graph = call(make('GraphDef'), { setNodeList: nodes.map(encodeNode), setVersions: versions });
  const metaGraph = call(make('MetaGraphDef'), {
    setMetaInfoDef: call(make('MetaGraphDef', 'MetaInfoDef'), { setTagsList: [tag] }),
    setGraphDef: graph,
  });
  for (const [name, signature] of Object.entries(signatures))
    map(metaGraph, 'getSignatureDefMap').set(name, encodeSignature(signature));
  return call(make('SavedModel'), {
    setSavedModelSchemaVersion: 1,
    setMetaGraphsList: [metaGraph],
  }).serializeBinary();
}

/** The producer version that TensorFlow 2.21 writes. Operations keep the behaviour of that version. */
const graphVersion = 2000;

function call(message: Message, setters: Readonly<Record<string, unknown>>): Message {
  for (const [setter, value] of Object.entries(setters)) (message[setter] as (value: unknown) => void)(value);
  return message;
}

const map = (message: Message, getter: string): Map<string, Message> =>
  (message[getter] as () => unknown)() as Map<string, Message>;

function encodeNode({ name, op, inputs, control, attributes, device = '' }: GraphNode): Message {
  const node = call(make('NodeDef'), {
    setName: name,
    setOp: op,
    setInputList: [...inputs, ...control.map((before) => `^${before}`)],
    setDevice: device,
  });
  const attributeMap = map(node, 'getAttrMap');
  for (const [key, attribute] of Object.entries(attributes)) attributeMap.set(key, encodeAttribute(attribute));
  return node;
}

function encodeAttribute(attribute: Attribute): Message {
  const message = make('AttrValue');
  switch (attribute.kind) {
    case 'type':
      return call(message, { setType: attribute.value });
    case 'int':
      return call(message, { setI: attribute.value });
    case 'float':
      return call(message, { setF: attribute.value });
    case 'bool':
      return call(message, { setB: attribute.value });
    case 'string':
      return call(message, { setS: Buffer.from(attribute.value).toString('base64') });
    case 'shape':
      return call(message, { setShape: encodeShape(attribute.value) });
    case 'ints':
      return call(message, { setList: call(make('AttrValue', 'ListValue'), { setIList: [...attribute.value] }) });
    case 'tensor':
      return call(message, { setTensor: encodeTensor(attribute) });
  }
}

const encodeShape = (shape: readonly number[]): Message =>
  call(make('TensorShape'), {
    setDimList: shape.map((size) => call(make('TensorShape', 'Dim'), { setSize: size })),
  });

function encodeTensor({ dtype, shape, bytes }: Extract<Attribute, { kind: 'tensor' }>): Message {
  const tensor = call(make('Tensor'), { setDtype: dtype, setTensorShape: encodeShape(shape) });
  const elements = elementsOf(shape);
  // `tensor_content` must hold every element; the typed lists repeat their last one.
  const single = elements > 1 && bytes.length > 0 && bytes.length <= 4;
  if (!single) return call(tensor, { setTensorContent: Buffer.from(bytes).toString('base64') });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (dtype === DataType.float32) return call(tensor, { setFloatValList: [view.getFloat32(0, true)] });
  if (dtype === DataType.bool) return call(tensor, { setBoolValList: [view.getUint8(0) !== 0] });
  return call(tensor, { setIntValList: [dtype === DataType.int32 ? view.getInt32(0, true) : view.getUint8(0)] });
}

function encodeSignature({ inputs, outputs }: Signature): Message {
  const message = call(make('SignatureDef'), { setMethodName: 'tensorflow/serving/predict' });
  const put = (getter: string, tensors: Readonly<Record<string, SignatureTensor>>) => {
    for (const [name, tensor] of Object.entries(tensors))
      map(message, getter).set(
        name,
        call(make('TensorInfo'), {
          setName: tensor.name,
          setDtype: tensor.dtype,
          setTensorShape: encodeShape(tensor.shape),
        }),
      );
  };
  put('getInputsMap', inputs);
  put('getOutputsMap', outputs);
  return message;
}
