import type { Tensor, Variable } from '../tensorflow.ts';
import type { NodeBackend } from './backend.ts';
import { DataType } from './data-types.ts';
import { CaptureError } from './errors.ts';
import { type Attributes, type Edge, edge, nodeOf } from './graph.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { type GraphVariable, readVariable } from './nodes.ts';
import type { RecordedTensors } from './recorded-tensors.ts';

/** The changes of variables that a step may ask of the capture that it runs in. */
export interface Updates {
  /**
   * Adds an operation that updates variables where they are, as TensorFlow's fused optimizers do. Only the graph's
   * variables change; what the step reads of them afterwards is the updated value.
   *
   * @param operands in the order of the operation; a variable stands for its handle
   */
  readonly update: (op: string, operands: readonly Tensor[], attributes?: Attributes) => void;
  /**
   * Runs `work` now; in the graph its changes of variables happen only where the condition holds. Where it does not, the
   * variables keep their bits: the operations that would change them do not run. What the step reads of the variables
   * afterwards is what they then hold. Anything else that `work` computes is computed in both cases.
   *
   * @param condition bool scalar
   */
  readonly when: (condition: Tensor, work: () => void) => void;
}

/** What the recording is part of, and what it knows. */
export interface Recorded {
  readonly builder: GraphBuilder;
  readonly target: NodeBackend;
  readonly variables: ReadonlyMap<Variable, GraphVariable>;
  readonly tensors: RecordedTensors;
}

/** The changes of variables that a step makes, as nodes of the graph. */
export interface RecordedUpdates extends Updates {
  /** Puts what was assigned to variables since the last time into the graph. @returns those variables */
  readonly addAssignments: () => readonly Assigned[];
  /** Nodes that change a variable. */
  readonly nodes: () => readonly string[];
}

type Assigned = readonly [Variable, GraphVariable];

/** When the updates run that are recorded now. */
type Course =
  | { readonly runs: 'always' }
  /** Where the condition of a `when` holds, which `branch` follows. */
  | { readonly runs: 'conditionally'; readonly branch: string; readonly updated: Map<Variable, GraphVariable> };

export function createRecordedUpdates({ builder, target, variables, tensors }: Recorded): RecordedUpdates {
  const { know, edgeOf } = tensors;
  let nodes: string[] = [];
  let course: Course = { runs: 'always' };
  /** What each variable of the graph holds, as far as its updates are in the graph. */
  const held = new Map<Variable, object>([...variables.keys()].map((variable) => [variable, variable.dataId]));
  /** By handle: the node that a change of the variable has to follow. */
  const latest = new Map<Edge, string>();
  const latestOf = ({ handle, value }: GraphVariable) => latest.get(handle) ?? nodeOf(value);

  const addNode = (op: string, inputs: readonly Edge[], follows: readonly string[], attributes: Attributes): string => {
    const control = course.runs === 'always' ? follows : [...follows, course.branch];
    const { name } = builder.add({ op, inputs, control, attributes, outputs: [], effect: true });
    nodes.push(name);
    return name;
  };
  const readAfter = (node: string, variable: GraphVariable): Edge => {
    const read = readVariable(builder, variable, [node]);
    latest.set(variable.handle, read);
    return read;
  };

  const addAssignments = (): readonly Assigned[] => {
    const assigned = [...variables].filter(([variable]) => variable.dataId !== held.get(variable));
    for (const [variable, graphVariable] of assigned) {
      const { handle, dtype } = graphVariable;
      const attributes: Attributes = { dtype: { kind: 'type', value: dtype } };
      latest.set(
        handle,
        addNode('AssignVariableOp', [handle, edgeOf(variable)], [latestOf(graphVariable)], attributes),
      );
      held.set(variable, variable.dataId);
    }
    return assigned;
  };

  const update: Updates['update'] = (op, operands, attributes = {}) => {
    const changed = operands.flatMap((operand) => {
      const variable = variables.get(operand as Variable);
      return variable ? [{ operand: operand as Variable, variable }] : [];
    });
    const inputs = operands.map((operand) => variables.get(operand as Variable)?.handle ?? edgeOf(operand));
    // Whoever reads the old value must have read it before it changes.
    const follows = changed.map(({ variable }) => latestOf(variable));
    const name = addNode(op, inputs, follows, attributes);
    for (const { operand, variable } of changed) {
      know(operand, readAfter(name, variable));
      if (course.runs === 'conditionally') course.updated.set(operand, variable);
    }
  };

  // TensorFlow's Switch and Merge: an operation that follows the branch not taken is dead and does not run, which is
  // how operations with effects, as the fused optimizers are, become conditional without copies of what they change.
  const when: Updates['when'] = (condition, work) => {
    if (course.runs === 'conditionally')
      throw new CaptureError('A conditional update is inside another one. Join the conditions.');
    addAssignments();
    const attributes: Attributes = { T: { kind: 'type', value: DataType.bool } };
    const follow = (input: Edge, control: readonly string[] = []) =>
      builder.add({ op: 'Identity', inputs: [input], control, attributes, outputs: [DataType.bool], effect: true })
        .name;
    const predicate = edgeOf(condition);
    const types = [DataType.bool, DataType.bool];
    const choice = builder.add({ op: 'Switch', inputs: [predicate, predicate], attributes, outputs: types }).name;
    const outside = nodes;
    nodes = [];
    const branch = follow(edge(choice, 1));
    const updated = new Map<Variable, GraphVariable>();
    course = { runs: 'conditionally', branch, updated };
    work();
    const assigned = addAssignments();
    course = { runs: 'always' };
    const taken = follow(branch, nodes);
    const done = builder.add({
      op: 'Merge',
      inputs: [follow(edge(choice, 0)), taken],
      attributes: { ...attributes, N: { kind: 'int', value: 2 } },
      outputs: [DataType.bool, DataType.int32],
      effect: true,
    }).name;
    nodes = [...outside, done];
    for (const [variable, graphVariable] of updated) know(variable, readAfter(done, graphVariable));
    for (const [variable, graphVariable] of assigned) {
      // From here the variable may differ from the tensor that was assigned to it, so it must not share its contents.
      const type = { name: 'T', type: target.binding.TF_ATTR_TYPE, value: graphVariable.dtype };
      const own = target.executeSingleOutput('Identity', [type], [variable]);
      variable.assign(own);
      own.dispose();
      know(variable, readAfter(done, graphVariable));
      held.set(variable, variable.dataId);
    }
  };

  return { update, when, addAssignments, nodes: () => nodes };
}
