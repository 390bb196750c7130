import { DataType } from '../capture/data-types.ts';
import type { RecordedStep } from '../capture/export.ts';
import { encodeOnnx, type OnnxValue } from './messages.ts';
import { translate } from './operations.ts';
import { bytesOfConstant, createTranslator, nameOf, onnxType } from './translator.ts';

/** What the first dimension of inputs and outputs is called: it may be any size. */
const rows = 'rows';

/**
 * An ONNX model of a step that was recorded for export, its variables' values in it.
 *
 * @returns the bytes of an `.onnx` file
 * @throws CaptureError where the graph has an operation that is not translated
 */
export function onnxModel({ nodes, input, results, shapes }: RecordedStep): Uint8Array {
  const to = createTranslator();
  const byName = new Map(nodes.map((node) => [node.name, node]));
  for (const node of nodes) {
    const { value } = node.attributes;
    if (node.op === 'Placeholder') continue;
    if (node.op === 'Const' && value?.kind === 'tensor') {
      const { dtype, shape } = value;
      to.constant({ name: nameOf(node.name), type: onnxType(dtype), shape, bytes: bytesOfConstant(value) });
    } else translate(node, to, { nodes: byName, shapes });
  }
  const describe = (name: string, dtype: number, shape: readonly number[]): OnnxValue => ({
    ...{ name, type: onnxType(dtype), shape: [rows, ...shape.slice(1)] },
  });
  const used = new Set(to.nodes.flatMap(({ inputs }) => inputs));
  return encodeOnnx({
    nodes: to.nodes,
    // Shapes and axes are attributes by now, or whole numbers of another size.
    constants: to.constants.filter(({ name }) => used.has(name)),
    inputs: [describe(input.name, DataType[input.dtype], [-1, ...input.shape])],
    outputs: results.map(({ name, dtype, shape }) => describe(nameOf(name.replace(/:0$/, '')), dtype, shape)),
  });
}
