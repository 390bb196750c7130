import type { OpAttribute } from './backend.ts';
import { backend } from './backend.ts';
import { CaptureError } from './errors.ts';
import type { Attribute, Attributes } from './graph.ts';

/**
 * The attributes of a node from those that tfjs-node's kernel gave.
 *
 * The kernels leave out what TensorFlow infers from the operands when it executes an operation by itself; a graph must say it.
 *
 * @param operands data type of each operand
 */
export function nodeAttributes(op: string, given: readonly OpAttribute[], operands: readonly number[]): Attributes {
  const attributes: Record<string, Attribute> = {};
  for (const { name, type, value } of given) attributes[name] = attribute(op, name, type, value);
  const count = operandCounts[op];
  if (count !== undefined) attributes.N ??= { kind: 'int', value: operands.length - count.fixed };
  const [first] = operands;
  if (first !== undefined && attributes.T === undefined && !withoutT.has(op))
    attributes.T = { kind: 'type', value: first };
  return attributes;
}

/** Operations of N operands of a kind, and how many they have besides. */
const operandCounts: Readonly<Record<string, { readonly fixed: number }>> = {
  ConcatV2: { fixed: 1 },
  Pack: { fixed: 0 },
  AddN: { fixed: 0 },
};

/** Operations of operands that have no attribute T. */
const withoutT: ReadonlySet<string> = new Set([
  'Cast',
  'GatherV2',
  'GatherNd',
  'ImageProjectiveTransformV3',
  'LogicalAnd',
  'LogicalOr',
  'LogicalNot',
  'All',
  'Any',
  'DecodeRaw',
  'Range',
]);

function attribute(op: string, name: string, type: number, value: OpAttribute['value']): Attribute {
  const { binding } = backend();
  switch (type) {
    case binding.TF_ATTR_TYPE:
      return { kind: 'type', value: value as number };
    case binding.TF_ATTR_INT:
      return Array.isArray(value) ? { kind: 'ints', value } : { kind: 'int', value: value as number };
    case binding.TF_ATTR_FLOAT:
      return { kind: 'float', value: value as number };
    case binding.TF_ATTR_BOOL:
      return { kind: 'bool', value: value as boolean };
    case binding.TF_ATTR_STRING:
      return { kind: 'string', value: value as string };
    case binding.TF_ATTR_SHAPE:
      return { kind: 'shape', value: value as readonly number[] };
    default:
      throw new CaptureError(`Attribute ${name} of ${op} has a type that capture does not know (${type}).`);
  }
}
