import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Tensor, tf } from '../tensorflow.ts';
import { backend, type NativeTensor } from './backend.ts';
import { bfloat16Pays, convolutionOf } from './convolution-cost.ts';
import { DataType } from './data-types.ts';
import { CaptureError } from './errors.ts';
import type { CompiledStep, Execution, Step, StepState, TensorValue } from './execution.ts';
import { type Edge, type GraphNode, nodeOf, outputOf, prune } from './graph.ts';
import { createGraphBuilder, type GraphBuilder } from './graph-builder.ts';
import { convolutionsAsProducts } from './matrix-products.ts';
import { reducePrecision } from './precision.ts';
import { type Processor, processor } from './processor.ts';
import { type GraphVariable, type Recording, readVariable, record } from './recorder.ts';
import { encodeSavedModel } from './saved-model.ts';

export interface CaptureOptions {
  /** Shapes of inputs that one step may be captured for. */
  readonly maximumShapes?: number;
  /**
   * Type of convolutions and what lies between them; see `reducePrecision`. bfloat16 is for speed, so it is used where
   * `bfloat16Pays`. float16 is used for every convolution, on a CPU too, where it is slow; the step has to scale its loss.
   */
  readonly precision?: 'float32' | 'bfloat16' | 'float16';
  /** What bfloat16 is to pay on. @default this machine's */
  readonly processor?: Processor;
}

/** What was captured so far. */
export interface CaptureReport {
  readonly nodes: number;
  /** Size of the encoded graph. */
  readonly bytes: number;
  readonly traces: number;
  /** TensorFlow's names of all that the graph does, each once. */
  readonly operations: readonly string[];
  /** Spent so far on running steps under the recorder, and on handing graphs to TensorFlow. */
  readonly seconds: { readonly record: number; readonly load: number };
}

export interface Captured extends Execution {
  readonly report: () => CaptureReport;
  /** The graph of all that was captured so far, as the bytes of `saved_model.pb`: to look into, or to profile. */
  readonly savedModel: () => Uint8Array;
}

/** One step, captured for one set of input shapes. */
interface Trace {
  readonly nodes: readonly GraphNode[];
  readonly inputNames: string;
  readonly outputNames: string;
}

/** A variable or a resident tensor of the graph. */
interface Slot extends GraphVariable {
  readonly name: string;
  readonly feed: string;
  /** Fetched to assign what is fed. */
  readonly assigned: string;
  readonly shape: readonly number[];
}

const tag = 'contrail';

/**
 * Captures steps as graphs over shared variables: "tf.function" for tfjs-node.
 *
 * A step is run once by tfjs, operation by operation, on the shapes of its first inputs; what the backend executed becomes
 * a graph, in which the variables are TensorFlow's own and the inputs are placeholders. From then on one call runs it.
 * Inputs of other shapes are captured anew, up to `maximumShapes`.
 *
 * It takes over the state: the tensors and variables that are passed in are disposed of.
 *
 * Owns: the variables, the resident tensors, and the TensorFlow session that holds them.
 *
 * I1. All steps that were captured are in one graph and one session; a new trace moves the state to a new one.
 */
export function capture(state: StepState, options: CaptureOptions = {}): Captured {
  const { maximumShapes = 8, precision = 'float32' } = options;
  const { binding } = backend();
  const base = createGraphBuilder('state');
  const slots = [
    ...[...state.variables].map(([name, variable]) => addSlot(base, `variable/${name}`, variable)),
    ...Object.entries(state.resident).map(([name, tensor]) => addSlot(base, `resident/${name}`, tensor)),
  ];
  const bySlotName = new Map(slots.map((slot) => [slot.name, slot]));
  const trainable = new Map([...state.variables].map(([name, variable]) => [name, variable.trainable]));
  const residentNames = Object.keys(state.resident);
  const traces: Trace[] = [];
  /** The state as eager tensors, before the first load and while a step is recorded. */
  let eager: StepState | undefined = state;
  let session: number | undefined;
  let bytes = 0;
  let steps = 0;
  const seconds = { record: 0, load: 0 };

  const savedModel = () => encodeSavedModel({ nodes: [...base.nodes, ...traces.flatMap(({ nodes }) => nodes)], tag });

  /** Puts tensors into slots of a session. */
  const assign = (id: number, targets: readonly Slot[], tensors: readonly number[]) => {
    const feeds = targets.map(({ feed }) => `${feed}:0`).join(',');
    const assigned = targets.map(({ assigned }) => `${assigned}:0`).join(',');
    for (const done of binding.runSavedModel(id, tensors, feeds, assigned)) binding.deleteTensor(done.id);
  };
  /** Native tensors with the values of slots; the caller deletes them. */
  const fetch = (id: number, sources: readonly Slot[]): NativeTensor[] =>
    binding.runSavedModel(id, [], '', sources.map(({ value }) => `${value}:0`).join(','));

  /** The session that holds all traces; made when a trace was added since. */
  const load = (): number => {
    if (session !== undefined) return session;
    if (!eager) throw new CaptureError('The graph has been disposed of.');
    const started = performance.now();
    const content = savedModel();
    bytes = content.length;
    const id = loadGraph(content);
    const tensors = [...eager.variables.values(), ...residentNames.map((name) => eager?.resident[name] as Tensor)];
    assign(id, slots, backend().getInputTensorIds(tensors));
    disposeState(eager);
    eager = undefined;
    session = id;
    seconds.load += (performance.now() - started) / 1000;
    return id;
  };

  /** Brings the state out of the session and closes it. */
  const unload = (): StepState => {
    if (eager) return eager;
    if (session === undefined) throw new CaptureError('The graph has been disposed of.');
    const tensors = fetch(session, slots).map((tensor) => backend().createOutputTensor(tensor));
    binding.deleteSavedModel(session);
    session = undefined;
    const variables = new Map(
      [...trainable].map(([name, learned], index) => {
        const value = tensors[index] as Tensor;
        const variable = tf.variable(value, learned);
        value.dispose();
        return [name, variable];
      }),
    );
    const resident = Object.fromEntries(
      residentNames.map((name, index) => [name, tensors[variables.size + index] as Tensor]),
    );
    eager = { variables, resident };
    return eager;
  };

  const trace = (step: Step, prefix: string, inputs: readonly TensorValue[]): Trace => {
    try {
      return recordTrace(step, prefix, inputs, false);
    } catch (error) {
      if (error instanceof CaptureError) throw error;
      // TensorFlow may have refused a value, an index say, that is not what the step computes where results share memory.
      return recordTrace(step, prefix, inputs, true);
    }
  };

  const recordTrace = (step: Step, prefix: string, inputs: readonly TensorValue[], keepsValues: boolean): Trace => {
    const current = unload();
    const builder = createGraphBuilder(prefix);
    const examples = inputs.map(eagerTensor);
    const placeholders = inputs.map(({ dtype, shape }, index) =>
      placeholder(builder, `${prefix}input${index}`, DataType[dtype], shape),
    );
    const variables = new Map(
      [...current.variables].map(([name, variable]) => {
        const slot = bySlotName.get(`variable/${name}`) as Slot;
        return [variable, { ...slot, value: readVariable(builder, slot) }];
      }),
    );
    const known = new Map<Tensor, string>();
    examples.forEach((tensor, index) => {
      known.set(tensor, placeholders[index] as string);
    });
    for (const [name, tensor] of Object.entries(current.resident))
      known.set(tensor, readVariable(builder, bySlotName.get(`resident/${name}`) as Slot));
    try {
      const { outputs, updates, shapes } = recordInTidy(() =>
        record(builder, variables, known, { keepsValues }, () => step(examples, current)),
      );
      const types = new Map(builder.nodes.map(({ name, outputs }) => [name, outputs]));
      const results = outputs.map((source, index) => {
        const dtype = types.get(nodeOf(source))?.[outputOf(source)] ?? DataType.float32;
        return identity(builder, `${prefix}output${index}`, source, dtype, updates);
      });
      const nodes = prune(builder.nodes, [...results, ...placeholders]);
      return {
        nodes: specialise(nodes, shapes),
        inputNames: placeholders.map((name) => `${name}:0`).join(','),
        outputNames: results.map((name) => `${name}:0`).join(','),
      };
    } finally {
      for (const example of examples) example.dispose();
    }
  };

  /** Gives each convolution the form that is fastest here. */
  const specialise = (nodes: readonly GraphNode[], shapes: Recording['shapes']): readonly GraphNode[] => {
    const on = options.processor ?? processor();
    const isReduced = (node: GraphNode) => {
      if (precision !== 'bfloat16') return precision === 'float16';
      const convolution = convolutionOf(node, shapes);
      return convolution !== undefined && bfloat16Pays(convolution, on);
    };
    const products = on.device === 'cpu' ? convolutionsAsProducts(nodes, shapes, (node) => !isReduced(node)) : nodes;
    return precision === 'float32' ? products : reducePrecision(products, precision, isReduced);
  };

  const compile = (step: Step): CompiledStep => {
    const byShape = new Map<string, Trace>();
    const prefix = `step${steps++}_`;
    return (...inputs) => {
      const shapes = describeShapes(inputs);
      let found = byShape.get(shapes);
      if (!found) {
        if (byShape.size >= maximumShapes)
          throw new CaptureError(
            `The step was captured for ${byShape.size} shapes of its inputs already (${[...byShape.keys()].join('; ')}) and now gets ${shapes}. Pad the inputs to a few shapes, or raise maximumShapes.`,
          );
        const started = performance.now();
        found = trace(step, `${prefix}${byShape.size}_`, inputs);
        seconds.record += (performance.now() - started) / 1000;
        traces.push(found);
        byShape.set(shapes, found);
      }
      const id = load();
      const feeds = inputs.map(({ dtype, shape, values }) => binding.createTensor(shape, DataType[dtype], values));
      try {
        return binding.runSavedModel(id, feeds, found.inputNames, found.outputNames).map(readOut);
      } finally {
        for (const feed of feeds) binding.deleteTensor(feed);
      }
    };
  };

  const slotOf = (name: string): Slot => {
    const slot = bySlotName.get(`variable/${name}`);
    if (!slot) throw new CaptureError(`The state has no variable named ${name}.`);
    return slot;
  };

  return {
    compile,
    report: () => ({
      nodes: traces.reduce((sum, { nodes }) => sum + nodes.length, base.nodes.length),
      bytes,
      traces: traces.length,
      operations: [...new Set([base.nodes, ...traces.map(({ nodes }) => nodes)].flat().map(({ op }) => op))].sort(),
      seconds: { ...seconds },
    }),
    savedModel,
    read: (names) => {
      if (names.length === 0) return [];
      return fetch(load(), names.map(slotOf)).map((tensor) => readOut(tensor) as Float32Array);
    },
    write: (values) => {
      if (values.size === 0) return;
      const written = [...values].map(([name, array]) => ({ slot: slotOf(name), array }));
      const feeds = written.map(({ slot, array }) => binding.createTensor(slot.shape, slot.dtype, array));
      try {
        assign(
          load(),
          written.map(({ slot }) => slot),
          feeds,
        );
      } finally {
        for (const feed of feeds) binding.deleteTensor(feed);
      }
    },
    dispose: () => {
      if (session !== undefined) binding.deleteSavedModel(session);
      if (eager) disposeState(eager);
      session = undefined;
      eager = undefined;
    },
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

const placeholder = (builder: GraphBuilder, name: string, dtype: number, shape: readonly number[]): string =>
  builder.add({
    op: 'Placeholder',
    name,
    attributes: { dtype: { kind: 'type', value: dtype }, shape: { kind: 'shape', value: shape } },
    outputs: [dtype],
  }).name;

const identity = (
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

const dataTypeOf = (tensor: Tensor): number => backend().tensorMap.get(tensor.dataId)?.dtype ?? DataType.float32;

/** Frees what the recorded step made. */
function recordInTidy(work: () => Recording): Recording {
  let recording: Recording | undefined;
  tf.tidy(() => {
    recording = work();
  });
  return recording as unknown as Recording;
}

const describeShapes = (inputs: readonly TensorValue[]): string =>
  inputs.map(({ dtype, shape }) => `${dtype}[${shape}]`).join(', ') || 'no inputs';

/** The input as an eager tensor, for the run that is recorded. */
export function eagerTensor({ dtype, shape, values }: TensorValue): Tensor {
  const type = DataType[dtype];
  return backend().createOutputTensor({ id: backend().binding.createTensor(shape, type, values), shape, dtype: type });
}

function disposeState({ variables, resident }: StepState): void {
  for (const variable of variables.values()) variable.dispose();
  for (const tensor of Object.values(resident)) tensor.dispose();
}

/** TensorFlow reads a graph from a folder; it is needed while it loads and no longer. */
function loadGraph(content: Uint8Array): number {
  const folder = mkdtempSync(join(tmpdir(), 'contrail-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), content);
    return backend().binding.loadSavedModel(folder, tag);
  } catch (error) {
    throw new CaptureError(
      `TensorFlow does not accept the captured graph: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readOut({ id }: NativeTensor): Float32Array | Int32Array {
  const { binding } = backend();
  try {
    return binding.tensorDataSync(id) as Float32Array | Int32Array;
  } finally {
    binding.deleteTensor(id);
  }
}
