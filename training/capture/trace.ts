import { type Tensor, tf } from '../tensorflow.ts';
import { DataType } from './data-types.ts';
import { eagerTensor } from './eager-tensor.ts';
import { CaptureError } from './errors.ts';
import type { Step, StepState, TensorValue } from './execution.ts';
import { type GraphNode, nodeOf, outputOf, prune } from './graph.ts';
import { createGraphBuilder } from './graph-builder.ts';
import { identity, placeholder, readVariable } from './nodes.ts';
import { type Recording, record } from './recorder.ts';
import type { Slots } from './slots.ts';

/** One step, captured for one set of input shapes. */
export interface Trace {
  readonly nodes: readonly GraphNode[];
  readonly inputNames: string;
  readonly outputNames: string;
}

/** A step that is to be traced. */
export interface Traced {
  readonly step: Step;
  /** Of the names of its nodes. */
  readonly prefix: string;
  /** Examples of its inputs. */
  readonly inputs: readonly TensorValue[];
  readonly state: StepState;
  /** What the state is in the graph. */
  readonly slots: Slots;
  /** Gives nodes the form in which they run; it is told the shape of each edge. */
  readonly specialise: (nodes: readonly GraphNode[], shapes: Recording['shapes']) => readonly GraphNode[];
}

/** Runs a step once, and gives what it does as nodes of a graph. @throws CaptureError */
export function traceStep(traced: Traced): Trace {
  try {
    return recordTrace(traced, false);
  } catch (error) {
    if (error instanceof CaptureError) throw error;
    // TensorFlow may have refused a value, an index say, that is not what the step computes where results share memory.
    return recordTrace(traced, true);
  }
}

function recordTrace({ step, prefix, inputs, state, slots, specialise }: Traced, keepsValues: boolean): Trace {
  const builder = createGraphBuilder(prefix);
  const examples = inputs.map(eagerTensor);
  const placeholders = inputs.map(({ dtype, shape }, index) =>
    placeholder(builder, `${prefix}input${index}`, DataType[dtype], shape),
  );
  const variables = new Map(
    [...state.variables].map(([name, variable]) => {
      const slot = slots.variable(name);
      return [variable, { ...slot, value: readVariable(builder, slot) }];
    }),
  );
  const known = new Map<Tensor, string>();
  examples.forEach((tensor, index) => {
    known.set(tensor, placeholders[index] as string);
  });
  for (const [name, tensor] of Object.entries(state.resident))
    known.set(tensor, readVariable(builder, slots.resident(name)));
  try {
    const { resolve, outputs, updates, shapes } = recordInTidy(() =>
      record(builder, variables, known, { keepsValues }, () => step(examples, state)),
    );
    const types = new Map(builder.nodes.map(({ name, outputs }) => [name, outputs]));
    const results = outputs.map((source, index) => {
      const dtype = types.get(nodeOf(source))?.[outputOf(source)] ?? DataType.float32;
      return identity(builder, `${prefix}output${index}`, source, dtype, updates);
    });
    const nodes = prune(resolve(builder.nodes), [...results, ...placeholders]);
    return {
      nodes: specialise(nodes, shapes),
      inputNames: placeholders.map((name) => `${name}:0`).join(','),
      outputNames: results.map((name) => `${name}:0`).join(','),
    };
  } finally {
    for (const example of examples) example.dispose();
  }
}

/** Frees what the recorded step made. */
function recordInTidy(work: () => Recording): Recording {
  let recording: Recording | undefined;
  tf.tidy(() => {
    recording = work();
  });
  return recording as unknown as Recording;
}
