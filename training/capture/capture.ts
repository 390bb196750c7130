import { backend, type NativeTensor } from './backend.ts';
import { bfloat16Pays, convolutionOf } from './convolution-cost.ts';
import { DataType } from './data-types.ts';
import { CaptureError } from './errors.ts';
import type { CompiledStep, Execution, Step, StepState, TensorValue } from './execution.ts';
import type { GraphNode } from './graph.ts';
import { assign, createGraphState, fetch } from './graph-state.ts';
import { convolutionsAsProducts } from './matrix-products.ts';
import { reducePrecision } from './precision.ts';
import { type Processor, processor } from './processor.ts';
import type { Recording } from './recorder.ts';
import { encodeSavedModel, graphTag } from './saved-model.ts';
import type { SessionSettings } from './sessions.ts';
import { createSlots } from './slots.ts';
import { type Trace, traceStep } from './trace.ts';

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
  /** How TensorFlow runs the graph. @default as it chooses */
  readonly session?: SessionSettings;
}

/** What was captured so far. */
export interface CaptureReport {
  readonly nodes: number;
  /** Size of the encoded graph. */
  readonly bytes: number;
  readonly traces: number;
  /** TensorFlow's names of all that the graph does, each once. */
  readonly operations: readonly string[];
  /** How many nodes name each device; `''` for those that name none. */
  readonly devices: Readonly<Record<string, number>>;
  /** Spent so far on running steps under the recorder, and on handing graphs to TensorFlow. */
  readonly seconds: { readonly record: number; readonly load: number };
}

export interface Captured extends Execution {
  readonly report: () => CaptureReport;
  /** The graph of all that was captured so far, as the bytes of `saved_model.pb`: to look into, or to profile. */
  readonly savedModel: () => Uint8Array;
}

/**
 * Captures steps as graphs over shared variables: "tf.function" for tfjs-node.
 *
 * A step is run once by tfjs, operation by operation, on the shapes of its first inputs; what the backend executed becomes
 * a graph, in which the variables are TensorFlow's own and the inputs are placeholders. From then on one call runs it.
 * Inputs of other shapes are captured anew, up to `maximumShapes`.
 *
 * It takes over the state: the tensors and variables that are passed in are disposed of.
 *
 * Owns: the graph of all that was captured. Where the values of the state are is `graph-state.ts`'s.
 *
 * I1. All steps that were captured are in one graph and one session; a new trace moves the state to a new one.
 */
export function capture(state: StepState, options: CaptureOptions = {}): Captured {
  const { maximumShapes = 8 } = options;
  const { binding } = backend();
  const slots = createSlots(state);
  const values = createGraphState(state, slots, options.session);
  const traces: Trace[] = [];
  let bytes = 0;
  let steps = 0;
  const seconds = { record: 0, load: 0 };
  const nodes = () => [...slots.nodes, ...traces.flatMap((trace) => trace.nodes)];
  const savedModel = () => encodeSavedModel({ nodes: nodes(), tag: graphTag });

  /** The session that holds all traces; made when a trace was added since. */
  const load = (): number => {
    const open = values.session();
    if (open !== null) return open;
    const started = performance.now();
    const content = savedModel();
    bytes = content.length;
    const session = values.enter(content);
    seconds.load += (performance.now() - started) / 1000;
    return session;
  };

  const compile = (step: Step): CompiledStep => {
    const byShape = new Map<string, Trace>();
    const prefix = `step${steps++}_`;
    const traceFor = (shapes: string, inputs: readonly TensorValue[]): Trace => {
      if (byShape.size >= maximumShapes)
        throw new CaptureError(
          `The step was captured for ${byShape.size} shapes of its inputs already (${[...byShape.keys()].join('; ')}) and now gets ${shapes}. Pad the inputs to a few shapes, or raise maximumShapes.`,
        );
      const started = performance.now();
      const trace = traceStep({
        ...{ step, prefix: `${prefix}${byShape.size}_`, inputs, state: values.leave(), slots },
        specialise: (found, shapesOf) => specialise(found, shapesOf, options),
      });
      seconds.record += (performance.now() - started) / 1000;
      traces.push(trace);
      byShape.set(shapes, trace);
      return trace;
    };
    return (...inputs) => {
      const shapes = describeShapes(inputs);
      const { inputNames, outputNames } = byShape.get(shapes) ?? traceFor(shapes, inputs);
      const session = load();
      const feeds = inputs.map(({ dtype, shape, values }) => binding.createTensor(shape, DataType[dtype], values));
      try {
        return binding.runSavedModel(session, feeds, inputNames, outputNames).map(readOut);
      } finally {
        for (const feed of feeds) binding.deleteTensor(feed);
      }
    };
  };

  return {
    compile,
    report: () => ({
      nodes: nodes().length,
      bytes,
      traces: traces.length,
      operations: [...new Set(nodes().map(({ op }) => op))].sort(),
      devices: countDevices(nodes()),
      seconds: { ...seconds },
    }),
    savedModel,
    read: (names) => {
      if (names.length === 0) return [];
      return fetch(load(), names.map(slots.variable)).map((tensor) => readOut(tensor) as Float32Array);
    },
    write: (given) => {
      if (given.size === 0) return;
      const written = [...given].map(([name, array]) => ({ slot: slots.variable(name), array }));
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
    dispose: values.dispose,
  };
}

/** Gives each convolution the form that is fastest here. */
function specialise(
  nodes: readonly GraphNode[],
  shapes: Recording['shapes'],
  { precision = 'float32', processor: on = processor() }: CaptureOptions,
): readonly GraphNode[] {
  const isReduced = (node: GraphNode) => {
    if (precision !== 'bfloat16') return precision === 'float16';
    const convolution = convolutionOf(node, shapes);
    return convolution !== undefined && bfloat16Pays(convolution, on);
  };
  const products = on.device === 'cpu' ? convolutionsAsProducts(nodes, shapes, (node) => !isReduced(node)) : nodes;
  return precision === 'float32' ? products : reducePrecision(products, precision, isReduced);
}

function countDevices(nodes: readonly GraphNode[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { device = '' } of nodes) counts[device] = (counts[device] ?? 0) + 1;
  return counts;
}

const describeShapes = (inputs: readonly TensorValue[]): string =>
  inputs.map(({ dtype, shape }) => `${dtype}[${shape}]`).join(', ') || 'no inputs';

function readOut({ id }: NativeTensor): Float32Array | Int32Array {
  const { binding } = backend();
  try {
    return binding.tensorDataSync(id) as Float32Array | Int32Array;
  } finally {
    binding.deleteTensor(id);
  }
}
