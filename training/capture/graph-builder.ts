import { createHash } from 'node:crypto';
import { byteSize, dataTypeName } from './data-types.ts';
import { CaptureError } from './errors.ts';
import type { Attributes, Edge, GraphNode } from './graph.ts';

/** Collects nodes. Equal nodes without effects become one, so constants and shapes are shared. */
export interface GraphBuilder {
  readonly nodes: readonly GraphNode[];
  /** Adds a node, or finds its like. */
  readonly add: (node: NodeRequest) => GraphNode;
  readonly constant: (dtype: number, shape: readonly number[], bytes: Uint8Array) => Edge;
  /** Names the device of the nodes without effects that are added meanwhile. Like nodes of different devices stay apart. */
  readonly onDevice: (device: string, work: () => void) => void;
}

export interface NodeRequest {
  readonly op: string;
  readonly inputs?: readonly Edge[];
  readonly control?: readonly string[];
  readonly attributes?: Attributes;
  readonly outputs: readonly number[];
  /** Given to nodes that are addressed from outside; others are numbered. */
  readonly name?: string;
  /** The node changes or reads a variable: it must not be merged with its like. */
  readonly effect?: boolean;
}

export function createGraphBuilder(prefix: string): GraphBuilder {
  const nodes: GraphNode[] = [];
  const known = new Map<string, GraphNode>();
  let placed: { readonly device?: string } = {};
  const add = ({ op, inputs = [], control = [], attributes = {}, outputs, name, effect }: NodeRequest) => {
    const key = effect || name !== undefined ? undefined : identity(op, inputs, control, attributes, placed);
    const same = key === undefined ? undefined : known.get(key);
    const node = same ?? {
      ...{ name: name ?? `${prefix}${nodes.length}`, op, inputs, control, attributes, outputs },
      ...(effect ? {} : placed),
    };
    if (!same) {
      nodes.push(node);
      if (key !== undefined) known.set(key, node);
    }
    return node;
  };
  return {
    nodes,
    add,
    constant: (dtype, shape, bytes) => {
      const size = byteSize(dtype);
      if (size === undefined)
        throw new CaptureError(
          `A constant of ${dataTypeName(dtype)} cannot be captured. Make it an input or a resident tensor.`,
        );
      const { name } = add({
        op: 'Const',
        attributes: {
          dtype: { kind: 'type', value: dtype },
          value: { kind: 'tensor', dtype, shape, bytes: allEqual(bytes, size) ? bytes.slice(0, size) : bytes.slice() },
        },
        outputs: [dtype],
      });
      return name;
    },
    onDevice: (device, work) => {
      const around = placed;
      placed = { device };
      try {
        work();
      } finally {
        placed = around;
      }
    },
  };
}

/** What a node computes, as text: two nodes with the same are one. */
function identity(
  op: string,
  inputs: readonly Edge[],
  control: readonly string[],
  attributes: Attributes,
  { device }: Pick<GraphNode, 'device'>,
): string {
  const parts = Object.entries(attributes).map(([name, attribute]) =>
    attribute.kind === 'tensor'
      ? [name, attribute.dtype, attribute.shape, createHash('sha256').update(attribute.bytes).digest('base64')]
      : [name, attribute.kind, attribute.value],
  );
  return JSON.stringify([op, inputs, control, parts.sort(), device]);
}

function allEqual(bytes: Uint8Array, size: number): boolean {
  for (let at = size; at < bytes.length; at++) if (bytes[at] !== bytes[at % size]) return false;
  return bytes.length > 0;
}
