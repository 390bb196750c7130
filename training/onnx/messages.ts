import protobuf from 'protobufjs';

/**
 * The part of ONNX's file format that a model of constants, nodes and one graph needs (onnx.proto, IR version 8).
 */
const { root } = protobuf.parse(
  `
  syntax = "proto2";
  package onnx;
  message AttributeProto {
    optional string name = 1;
    optional float f = 2;
    optional int64 i = 3;
    optional bytes s = 4;
    repeated int64 ints = 8;
    optional int32 type = 20;
  }
  message TensorProto {
    repeated int64 dims = 1;
    optional int32 data_type = 2;
    optional string name = 8;
    optional bytes raw_data = 9;
  }
  message TensorShapeProto {
    message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
    repeated Dimension dim = 1;
  }
  message TypeProto {
    message Tensor { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; }
    optional Tensor tensor_type = 1;
  }
  message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
  message NodeProto {
    repeated string input = 1;
    repeated string output = 2;
    optional string name = 3;
    optional string op_type = 4;
    repeated AttributeProto attribute = 5;
  }
  message GraphProto {
    repeated NodeProto node = 1;
    optional string name = 2;
    repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11;
    repeated ValueInfoProto output = 12;
  }
  message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
  message ModelProto {
    optional int64 ir_version = 1;
    optional string producer_name = 2;
    optional GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8;
  }
`,
  { keepCase: true },
);

/** ONNX's numbers for the types of tensors. */
export const OnnxType = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 } as const;
export type OnnxType = (typeof OnnxType)[keyof typeof OnnxType];

/** An attribute of a node: a whole number, a real one, a text, or whole numbers. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly ints: readonly number[] };

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A tensor whose values are in the file. */
export interface OnnxConstant {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array;
}

/** An input or an output. A dimension that is a text may be any size. */
export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** The version of ONNX's operators that nodes are of: the first in which all have the attributes used here, of 2021. */
const operatorSet = 17;
const irVersion = 8;

/** The bytes of an `.onnx` file. */
export function encodeOnnx({ nodes, constants, inputs, outputs }: OnnxModel): Uint8Array {
  const type = root.lookupType('onnx.ModelProto');
  return type
    .encode({
      ir_version: irVersion,
      producer_name: 'contrail',
      opset_import: [{ domain: '', version: operatorSet }],
      graph: {
        name: 'encoder',
        node: nodes.map(({ op, inputs: from, outputs: to, attributes }) => ({
          name: to[0],
          op_type: op,
          input: from,
          output: to,
          attribute: Object.entries(attributes).map(([name, value]) => ({ name, ...encodedAttribute(value) })),
        })),
        initializer: constants.map(({ name, type: data_type, shape, bytes }) => ({
          ...{ name, data_type, dims: shape, raw_data: bytes },
        })),
        input: inputs.map(encodedValue),
        output: outputs.map(encodedValue),
      },
    })
    .finish();
}

function encodedAttribute(attribute: OnnxAttribute) {
  if ('int' in attribute) return { type: 2, i: attribute.int };
  if ('float' in attribute) return { type: 1, f: attribute.float };
  if ('text' in attribute) return { type: 3, s: new TextEncoder().encode(attribute.text) };
  return { type: 7, ints: attribute.ints };
}

const encodedValue = ({ name, type, shape }: OnnxValue) => ({
  name,
  type: {
    tensor_type: {
      elem_type: type,
      shape: { dim: shape.map((size) => (typeof size === 'string' ? { dim_param: size } : { dim_value: size })) },
    },
  },
});
