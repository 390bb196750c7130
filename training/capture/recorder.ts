import { type Tensor, tf, type Variable } from '../tensorflow.ts';
import { nodeAttributes } from './attributes.ts';
import { backend } from './backend.ts';
import { CaptureError } from './errors.ts';
import { type Edge, edge } from './graph.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { GraphVariable } from './nodes.ts';
import { createRecordedLaters, type RecordedLaters } from './recorded-laters.ts';
import { createRecordedTensors, registeredVariables } from './recorded-tensors.ts';
import { createRecordedUpdates, type Updates } from './recorded-updates.ts';
import { createSharedMemory } from './shared-memory.ts';
import { watch } from './watch.ts';

/** What a step may ask of the capture that it runs in. */
export interface Recorder extends Updates, Pick<RecordedLaters, 'later'> {
  /**
   * Runs `work` now; in the graph what it computes is on a device. Reads and changes of variables stay where the variables are.
   *
   * @param device TensorFlow's name: `/device:GPU:1`
   */
  readonly onDevice: (device: string, work: () => void) => void;
}

export interface Recording {
  /** Puts what the step promised and gave later into the nodes. */
  readonly resolve: RecordedLaters['resolve'];
  readonly outputs: readonly Edge[];
  /** Nodes that change a variable; they must run whenever the outputs are asked for. */
  readonly updates: readonly string[];
  /** Of each edge of the recorded run. */
  readonly shapes: ReadonlyMap<Edge, readonly number[]>;
}

/** One capture runs at a time: the backend that it watches is one. */
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
  const foreign = new Map(
    registeredVariables().flatMap((variable) => (variables.has(variable) ? [] : [[variable.dataId, variable]])),
  );
  const tensors = createRecordedTensors(builder, target, foreign);
  for (const [variable, { value }] of variables) tensors.know(variable, value);
  for (const [tensor, source] of inputs) tensors.know(tensor, source);
  const before = new Map([...variables.keys()].map((variable) => [variable, tf.keep(variable.clone())]));
  const updates = createRecordedUpdates({ builder, target, variables, tensors });
  const laters = createRecordedLaters(tensors);

  const memory = keepsValues ? null : createSharedMemory(target.binding);
  const restore = watch(target, {
    executed: (results) => memory?.share(results) ?? results,
    execute: (op, attributes, operands, results) => {
      if (hiddenState.test(op))
        throw new CaptureError(`${op} draws from a hidden state, so a resumed run would differ. Use a stateless draw.`);
      const node = builder.add({
        op,
        inputs: operands.map(tensors.edgeOf),
        attributes: nodeAttributes(op, attributes, operands.map(tensors.typeOf)),
        outputs: results.map(tensors.typeOf),
      });
      for (const [index, result] of results.entries()) tensors.know(result, edge(node.name, index));
    },
    beforeExecution: (operands) => {
      // Read now: the operation's caller may dispose of a constant right after.
      for (const operand of operands) tensors.edgeOf(operand);
    },
    isRecorded: tensors.isRecorded,
  });
  active = { update: updates.update, when: updates.when, later: laters.later, onDevice: builder.onDevice };
  try {
    const outputs = step().map(tensors.edgeOf);
    refuseCreated(registeredVariables().filter((each) => !variables.has(each) && !foreign.has(each.dataId)));
    updates.addAssignments();
    return { resolve: laters.resolve, outputs, updates: updates.nodes(), shapes: tensors.shapes };
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

/** @throws CaptureError where the step made variables; they are disposed of */
function refuseCreated(created: readonly Variable[]): void {
  for (const variable of created) variable.dispose();
  const [first] = created;
  if (first)
    throw new CaptureError(
      `The step creates ${created.length} variable(s), ${first.name} the first. Create variables before the capture and pass them in the state.`,
    );
}
