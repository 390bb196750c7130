import type { Edge } from './graph.ts';
import type { GraphBuilder } from './graph-builder.ts';

/** A variable of the graph. */
export interface GraphVariable {
  readonly dtype: number;
  /** The edge of its handle. */
  readonly handle: Edge;
  /** The edge of its value before the step. */
  readonly value: Edge;
}

/** Adds an input of the graph; gives its edge. */
export const placeholder = (builder: GraphBuilder, name: string, dtype: number, shape: readonly number[]): string =>
  builder.add({
    op: 'Placeholder',
    name,
    attributes: { dtype: { kind: 'type', value: dtype }, shape: { kind: 'shape', value: shape } },
    outputs: [dtype],
  }).name;

/** Adds a name for an edge, which is there after some nodes; gives its edge. */
export const identity = (
  builder: GraphBuilder,
  name: string,
  source: Edge,
  dtype: number,
  control: readonly string[],
): string =>
  builder.add({
    op: 'Identity',
    name,
    inputs: [source],
    control,
    attributes: { T: { kind: 'type', value: dtype } },
    outputs: [dtype],
  }).name;

/** Adds a read of a variable after some nodes; gives its edge. */
export const readVariable = (
  builder: GraphBuilder,
  { dtype, handle }: Omit<GraphVariable, 'value'>,
  control: readonly string[] = [],
): Edge =>
  builder.add({
    op: 'ReadVariableOp',
    inputs: [handle],
    control,
    attributes: { dtype: { kind: 'type', value: dtype } },
    outputs: [dtype],
    effect: true,
  }).name;
