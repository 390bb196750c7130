import { type Tensor, tf, type Variable } from '../tensorflow.ts';
import { nodeAttributes } from './attributes.ts';
import { backend, type NativeTensor, type NodeBackend, type OpAttribute } from './backend.ts';
import { DataType } from './data-types.ts';
import { CaptureError } from './errors.ts';
import { type Attributes, type Edge, edge, nodeOf } from './graph.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { type GraphVariable, readVariable } from './nodes.ts';
import { createSharedMemory } from './shared-memory.ts';

/**
 * Watches the operations that the backend executes and adds each to a graph.
 *
 * tfjs names the contents of a tensor by an object, its dataId. What an operation recorded here produced is an edge of
 * the graph; whatever else an operation reads was made from values in JavaScript and becomes a constant.
 */
export interface Recorder {
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

export interface Recording {
  readonly outputs: readonly Edge[];
  /** Nodes that change a variable; they must run whenever the outputs are asked for. */
  readonly updates: readonly string[];
  /** Of each edge of the recorded run. */
  readonly shapes: ReadonlyMap<Edge, readonly number[]>;
}

let active: Recorder | undefined;

/** The recorder at work, if the code that asks runs inside a capture. */
export const recording = (): Recorder | undefined => active;

/** Operations that draw from a state that TensorFlow hides. */
const hiddenState = /^(Random|Multinomial|TruncatedNormal|ParameterizedTruncatedNormal)/;

/**
 * Runs `step` once, operation by operation, and adds what it does to the graph. The variables are left as they were.
 *
 * @param inputs tensors that stand for inputs and resident tensors of the graph, by their edges
 * @param keepsValues whether each result has its own values; without, large ones share memory (see `createSharedMemory`)
 * @throws CaptureError when the step does something that a graph cannot repeat
 */
export function record(
  builder: GraphBuilder,
  variables: ReadonlyMap<Variable, GraphVariable>,
  inputs: ReadonlyMap<Tensor, Edge>,
  { keepsValues }: { readonly keepsValues: boolean },
  step: () => readonly Tensor[],
): Recording {
  if (active) throw new CaptureError('A capture runs inside another one. Capture the inner step on its own.');
  const target = backend();
  const edges = new Map<object, Edge>();
  const produced = new Set<object>();
  const updates: string[] = [];
  const shapes = new Map<Edge, readonly number[]>();
  const know = ({ dataId, shape }: Pick<Tensor, 'dataId' | 'shape'>, source: Edge) => {
    edges.set(dataId, source);
    shapes.set(source, shape);
    produced.add(dataId);
  };
  for (const [variable, { value }] of variables) know(variable, value);
  for (const [tensor, source] of inputs) know(tensor, source);
  const outsiders = new Map(
    registeredVariables().flatMap((variable) => (variables.has(variable) ? [] : [[variable.dataId, variable]])),
  );

  const edgeOf = (tensor: Tensor): Edge => {
    const source = edges.get(tensor.dataId);
    if (source !== undefined) return source;
    const outsider = outsiders.get(tensor.dataId);
    if (outsider)
      throw new CaptureError(
        `The step reads variable ${outsider.name}, which is not part of its state. Add it to the state, or pass its value as an input.`,
      );
    const data = target.tensorMap.get(tensor.dataId);
    if (!data) throw new CaptureError('The step uses a tensor that was disposed of, or that another backend holds.');
    const values = unwatched(() => target.readSync(tensor.dataId));
    const constant = builder.constant(
      data.dtype,
      data.shape,
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    );
    edges.set(tensor.dataId, constant);
    shapes.set(constant, data.shape);
    return constant;
  };
  const typeOf = ({ dataId }: Tensor) => target.tensorMap.get(dataId)?.dtype ?? 0;

  const before = new Map([...variables.keys()].map((variable) => [variable, tf.keep(variable.clone())]));
  /** What each variable of the graph holds, as far as its updates are in the graph. */
  const held = new Map([...before].map(([variable, { dataId }]) => [variable, dataId as object]));
  /** By handle: the node that a change of the variable has to follow. */
  const latest = new Map<Edge, string>();
  /** Runs only where the condition of the `when` at work holds. */
  let branch: string | undefined;
  const latestOf = ({ handle, value }: GraphVariable) => latest.get(handle) ?? nodeOf(value);
  const addUpdate = (op: string, inputs: readonly Edge[], follows: readonly string[], attributes: Attributes) => {
    const control = branch === undefined ? follows : [...follows, branch];
    const { name } = builder.add({ op, inputs, control, attributes, outputs: [], effect: true });
    updates.push(name);
    return name;
  };
  const readAfter = (node: string, variable: GraphVariable): Edge => {
    const read = readVariable(builder, variable, [node]);
    latest.set(variable.handle, read);
    return read;
  };
  /** Puts what was assigned to variables since the last time into the graph. @returns those variables */
  const addAssignments = (): (readonly [Variable, GraphVariable])[] => {
    const assigned = [...variables].filter(([variable]) => variable.dataId !== held.get(variable));
    for (const [variable, graphVariable] of assigned) {
      const { handle, dtype } = graphVariable;
      const attributes: Attributes = { dtype: { kind: 'type', value: dtype } };
      const name = addUpdate('AssignVariableOp', [handle, edgeOf(variable)], [latestOf(graphVariable)], attributes);
      latest.set(handle, name);
      held.set(variable, variable.dataId);
    }
    return assigned;
  };

  const updated = new Map<Variable, GraphVariable>();
  const recorder: Recorder = {
    update: (op, operands, attributes = {}) => {
      const changed = operands.flatMap((operand) => {
        const variable = variables.get(operand as Variable);
        return variable ? [{ operand: operand as Variable, variable }] : [];
      });
      const inputs = operands.map((operand) => variables.get(operand as Variable)?.handle ?? edgeOf(operand));
      // Whoever reads the old value must have read it before it changes.
      const follows = changed.map(({ variable }) => latestOf(variable));
      const name = addUpdate(op, inputs, follows, attributes);
      for (const { operand, variable } of changed) {
        know(operand, readAfter(name, variable));
        updated.set(operand, variable);
      }
    },
    // TensorFlow's Switch and Merge: an operation that follows the branch not taken is dead and does not run, which is
    // how operations with effects, as the fused optimizers are, become conditional without copies of what they change.
    when: (condition, work) => {
      if (branch !== undefined)
        throw new CaptureError('A conditional update is inside another one. Join the conditions.');
      addAssignments();
      updated.clear();
      const attributes: Attributes = { T: { kind: 'type', value: DataType.bool } };
      const follow = (input: Edge, control: readonly string[] = []) =>
        builder.add({ op: 'Identity', inputs: [input], control, attributes, outputs: [DataType.bool], effect: true })
          .name;
      const predicate = edgeOf(condition);
      const types = [DataType.bool, DataType.bool];
      const choice = builder.add({ op: 'Switch', inputs: [predicate, predicate], attributes, outputs: types }).name;
      const outside = updates.length;
      branch = follow(edge(choice, 1));
      work();
      const assigned = addAssignments();
      const taken = follow(branch, updates.splice(outside));
      branch = undefined;
      const done = builder.add({
        op: 'Merge',
        inputs: [follow(edge(choice, 0)), taken],
        attributes: { ...attributes, N: { kind: 'int', value: 2 } },
        outputs: [DataType.bool, DataType.int32],
        effect: true,
      }).name;
      updates.push(done);
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
    },
  };

  const memory = keepsValues ? null : createSharedMemory(target.binding);
  const restore = watch(target, {
    executed: (results) => memory?.share(results) ?? results,
    execute: (op, attributes, operands, results) => {
      if (hiddenState.test(op))
        throw new CaptureError(`${op} draws from a hidden state, so a resumed run would differ. Use a stateless draw.`);
      const node = builder.add({
        op,
        inputs: operands.map(edgeOf),
        attributes: nodeAttributes(op, attributes, operands.map(typeOf)),
        outputs: results.map(typeOf),
      });
      for (const [index, result] of results.entries()) know(result, edge(node.name, index));
    },
    beforeExecution: (operands) => {
      // Read now: the operation's caller may dispose of a constant right after.
      for (const operand of operands) edgeOf(operand);
    },
    isRecorded: (dataId) => produced.has(dataId),
  });
  active = recorder;
  try {
    const outputs = step().map(edgeOf);
    const created = registeredVariables().filter(
      (variable) => !variables.has(variable) && !outsiders.has(variable.dataId),
    );
    for (const variable of created) variable.dispose();
    const [first] = created;
    if (first)
      throw new CaptureError(
        `The step creates ${created.length} variable(s), ${first.name} the first. Create variables before the capture and pass them in the state.`,
      );
    addAssignments();
    return { outputs, updates, shapes };
  } finally {
    active = undefined;
    restore();
    memory?.release();
    for (const [variable, value] of before) {
      variable.assign(value);
      value.dispose();
    }
  }
}

const registeredVariables = (): Variable[] => Object.values(tf.engine().registeredVariables) as Variable[];

interface Watcher {
  /** @returns the results to go on with */
  readonly executed: (results: NativeTensor[]) => NativeTensor[];
  readonly beforeExecution: (operands: readonly Tensor[]) => void;
  readonly execute: (
    op: string,
    attributes: readonly OpAttribute[],
    operands: readonly Tensor[],
    results: readonly Tensor[],
  ) => void;
  readonly isRecorded: (dataId: object) => boolean;
}

let allowed = 0;

/** Lets the recorder itself use what it forbids to the step. */
function unwatched<T>(work: () => T): T {
  allowed++;
  try {
    return work();
  } finally {
    allowed--;
  }
}

/** Puts the watcher between tfjs and the native side. @returns a function that takes it out again */
function watch(target: NodeBackend, watcher: Watcher): () => void {
  const { executeSingleOutput, executeMultipleOutputs, readSync, read } = target;
  const { binding } = target;
  const { random } = Math;
  const refuseRead = (dataId: object) => {
    if (allowed === 0 && watcher.isRecorded(dataId))
      throw new CaptureError(
        'The step reads a value of a tensor in JavaScript, which a graph cannot. Return the tensor as an output instead.',
      );
  };
  const bypassed = (what: string): never => {
    throw new CaptureError(
      `A kernel of the step calls ${what} without the backend, so it cannot be recorded. Use other operations.`,
    );
  };
  Object.assign(target, {
    executeSingleOutput: (op: string, attributes: readonly OpAttribute[], operands: readonly Tensor[]) => {
      watcher.beforeExecution(operands);
      const result = unwatched(() => executeSingleOutput.call(target, op, attributes, operands));
      watcher.execute(op, attributes, operands, [result]);
      return result;
    },
    executeMultipleOutputs: (
      op: string,
      attributes: readonly OpAttribute[],
      operands: readonly Tensor[],
      count: number,
    ) => {
      watcher.beforeExecution(operands);
      const results = unwatched(() => executeMultipleOutputs.call(target, op, attributes, operands, count));
      watcher.execute(op, attributes, operands, results);
      return results;
    },
    readSync: (dataId: object) => {
      refuseRead(dataId);
      return readSync.call(target, dataId);
    },
    read: (dataId: object) => {
      refuseRead(dataId);
      return read.call(target, dataId);
    },
  });
  target.binding = Object.create(binding, {
    executeOp: {
      value: (...operands: Parameters<NodeBackend['binding']['executeOp']>) =>
        allowed > 0 ? watcher.executed(binding.executeOp(...operands)) : bypassed(operands[0]),
    },
    runSavedModel: { value: () => bypassed('another graph') },
  });
  Math.random = () => {
    throw new CaptureError(
      'The step draws random numbers in JavaScript, which would be the same at every run of the graph. Use a stateless draw with a seed that is an input.',
    );
  };
  return () => {
    for (const name of ['executeSingleOutput', 'executeMultipleOutputs', 'readSync', 'read'] as const)
      delete (target as Partial<Record<typeof name, unknown>>)[name];
    target.binding = binding;
    Math.random = random;
  };
}
