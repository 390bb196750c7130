import { type Tensor, tf } from '../tensorflow.ts';
import { backend } from './backend.ts';
import { DataType } from './data-types.ts';
import { eagerTensor } from './eager-tensor.ts';
import { CaptureError } from './errors.ts';
import type { Step, StepState, TensorValue } from './execution.ts';
import { elementsOf, type GraphNode, nodeOf, outputOf, prune } from './graph.ts';
import { createGraphBuilder } from './graph-builder.ts';
import { type Recording, record } from './recorder.ts';
import { encodeSavedModel, type SignatureTensor } from './saved-model.ts';

/** A step of one input to export. */
export interface ExportedStep {
  readonly step: Step;
  readonly input: { readonly name: string; readonly dtype: TensorValue['dtype']; readonly shape: readonly number[] };
  /** Names of the step's outputs. Each has a row for each row of the input. */
  readonly outputs: readonly string[];
}

/** A step as a graph that takes any number of rows, with the variables' values as constants. */
export interface RecordedStep {
  readonly input: ExportedStep['input'];
  readonly nodes: readonly GraphNode[];
  /** The outputs, in the order of their names. */
  readonly results: readonly SignatureTensor[];
  /** Of each edge, where there are two rows. */
  readonly shapes: Recording['shapes'];
}

/**
 * Records a step that changes nothing for two and for three rows, and refuses it unless both give the same graph.
 *
 * @param exported `input.shape` without the rows
 * @throws CaptureError
 */
export function recordForExport(state: StepState, exported: ExportedStep): RecordedStep {
  const [two, three] = [recordRows(state, exported, 2), recordRows(state, exported, 3)];
  if (fingerprint(two.nodes) !== fingerprint(three.nodes))
    throw new CaptureError(
      'The step computes with the number of rows, so it cannot be exported for any number. Use operations that leave the first dimension alone.',
    );
  return { ...two, input: exported.input };
}

/** The bytes of `saved_model.pb`, with the signature `serving_default`. */
export function savedModelOf({ input, nodes, results }: RecordedStep): Uint8Array {
  const inputs = {
    [input.name]: { name: `${input.name}:0`, dtype: DataType[input.dtype], shape: [-1, ...input.shape] },
  };
  const outputs = Object.fromEntries(results.map((result) => [nodeOf(result.name), result]));
  return encodeSavedModel({ nodes, tag: 'serve', signatures: { serving_default: { inputs, outputs } } });
}

function recordRows(state: StepState, { step, input, outputs }: ExportedStep, rows: number) {
  const builder = createGraphBuilder('node');
  const shape = [rows, ...input.shape];
  const size = elementsOf(shape);
  const values = input.dtype === 'uint8' ? new Uint8Array(size) : new Float32Array(size);
  const example = eagerTensor({ dtype: input.dtype, shape, values });
  const placeholder = builder.add({
    op: 'Placeholder',
    name: input.name,
    attributes: {
      dtype: { kind: 'type', value: DataType[input.dtype] },
      shape: { kind: 'shape', value: [-1, ...input.shape] },
    },
    outputs: [DataType[input.dtype]],
  }).name;
  const variables = new Map(
    [...state.variables.values()].map((variable) => {
      const values = variable.dataSync<'float32'>();
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      const value = builder.constant(DataType.float32, variable.shape, bytes);
      return [variable, { dtype: DataType.float32, handle: '', value }];
    }),
  );
  let recording: Recording | undefined;
  const shapes: (readonly number[])[] = [];
  tf.tidy(() => {
    const known = new Map<Tensor, string>([[example, placeholder]]);
    recording = record(builder, variables, known, { keepsValues: true }, () => {
      const made = step([example], state);
      for (const tensor of made) shapes.push(tensor.shape);
      return made;
    });
  });
  example.dispose();
  const { outputs: edges = [], updates = [], shapes: ofEdges = new Map() } = (recording as unknown as Recording) ?? {};
  if (updates.length > 0) throw new CaptureError('A step that changes variables cannot be exported.');
  const types = new Map(builder.nodes.map((node) => [node.name, node.outputs]));
  const results = edges.map((edge, index): SignatureTensor => {
    const dtype = types.get(nodeOf(edge))?.[outputOf(edge)] ?? DataType.float32;
    const { name } = builder.add({
      op: 'Identity',
      name: outputs[index] as string,
      inputs: [edge],
      attributes: { T: { kind: 'type', value: dtype } },
      outputs: [dtype],
    });
    return { name: `${name}:0`, dtype, shape: [-1, ...(shapes[index] ?? []).slice(1)] };
  });
  return { nodes: prune(builder.nodes, [...outputs, input.name]), results, shapes: ofEdges };
}

const fingerprint = (nodes: readonly GraphNode[]): string =>
  JSON.stringify(nodes, (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value.subarray(0, 4096)).toString('base64') : value,
  );

/** A SavedModel that was exported, to run it here as any other program would. */
export function loadExported(folder: string) {
  const { binding } = backend();
  const id = binding.loadSavedModel(folder, 'serve');
  return {
    run: (input: TensorValue, inputName: string, outputs: readonly string[]) => {
      const fed = binding.createTensor(input.shape, DataType[input.dtype], input.values);
      const made = binding.runSavedModel(id, [fed], `${inputName}:0`, outputs.map((name) => `${name}:0`).join(','));
      const values = made.map(({ id: tensor }) => binding.tensorDataSync(tensor));
      for (const tensor of [fed, ...made.map(({ id: tensor }) => tensor)]) binding.deleteTensor(tensor);
      return values;
    },
    close: () => binding.deleteSavedModel(id),
  };
}
