import type { Tensor } from '../tensorflow.ts';
import { backend } from './backend.ts';
import { DataType } from './data-types.ts';
import { CaptureError } from './errors.ts';
import type { StepState } from './execution.ts';
import type { GraphNode } from './graph.ts';
import { createGraphBuilder, type GraphBuilder } from './graph-builder.ts';
import { type GraphVariable, identity, placeholder, readVariable } from './nodes.ts';

/** A variable or a resident tensor of the graph. */
export interface Slot extends GraphVariable {
  readonly name: string;
  readonly feed: string;
  /** Fetched to assign what is fed. */
  readonly assigned: string;
  readonly shape: readonly number[];
}

/** What a state is in a graph: variables of TensorFlow's own, which steps over it share. */
export interface Slots {
  /** The variables, and then the resident tensors, in their order. */
  readonly all: readonly Slot[];
  readonly nodes: readonly GraphNode[];
  /** @throws CaptureError where the state has none of that name */
  readonly variable: (name: string) => Slot;
  readonly resident: (name: string) => Slot;
}

export function createSlots({ variables, resident }: StepState): Slots {
  const builder = createGraphBuilder('state');
  const add = (kind: string, tensors: Iterable<readonly [string, Tensor]>) =>
    new Map([...tensors].map(([name, tensor]) => [name, addSlot(builder, `${kind}/${name}`, tensor)]));
  const [ofVariables, ofResident] = [add('variable', variables), add('resident', Object.entries(resident))];
  const find = (slots: ReadonlyMap<string, Slot>, what: string) => (name: string) => {
    const slot = slots.get(name);
    if (!slot) throw new CaptureError(`The state has no ${what} named ${name}.`);
    return slot;
  };
  return {
    all: [...ofVariables.values(), ...ofResident.values()],
    nodes: builder.nodes,
    variable: find(ofVariables, 'variable'),
    resident: find(ofResident, 'resident tensor'),
  };
}

/** Handle, value and assignment of one variable. */
function addSlot(builder: GraphBuilder, name: string, tensor: Tensor): Slot {
  const dtype = dataTypeOf(tensor);
  const { shape } = tensor;
  const type = { kind: 'type', value: dtype } as const;
  const handle = builder.add({
    op: 'VarHandleOp',
    name: `${name}/handle`,
    attributes: {
      dtype: type,
      shape: { kind: 'shape', value: shape },
      shared_name: { kind: 'string', value: name },
    },
    outputs: [DataType.resource],
  }).name;
  const feed = placeholder(builder, `${name}/feed`, dtype, shape);
  const assignment = builder.add({
    op: 'AssignVariableOp',
    inputs: [handle, feed],
    attributes: { dtype: type },
    outputs: [],
    effect: true,
  }).name;
  const zero = builder.constant(DataType.int32, [], new Uint8Array(4));
  const assigned = identity(builder, `${name}/assigned`, zero, DataType.int32, [assignment]);
  return { name, dtype, shape, handle, feed, assigned, value: readVariable(builder, { dtype, handle }) };
}

const dataTypeOf = (tensor: Tensor): number => backend().tensorMap.get(tensor.dataId)?.dtype ?? DataType.float32;
