import { lossSchema } from '../contracts/losses.ts';
import { capture, recording, type TensorValue } from '../training/capture/index.ts';
import { createProjectionLoss } from '../training/losses/projection-loss.ts';
import { type Tensor1D, type Tensor2D, tf } from '../training/tensorflow.ts';
import { median } from './statistics.ts';

export interface ReplicaCostsRow {
  readonly what: string;
  readonly ms: number;
  /** What is read and written, or what the largest matrix needs. */
  readonly MB: number;
}

const millions = [1, 6, 24];
const rowCounts = [512, 1024, 2048, 4096, 8192];
const width = 128;

/** The pieces of a step that one device does for all, on this CPU: adding the gradients of a part, and the loss of all rows with its gradient. */
export async function benchReplicaCosts(turns: number): Promise<ReplicaCostsRow[]> {
  return [
    ...millions.map((count) => ({
      what: `gradients of a part added, ${count} M parameters`,
      ...addition(count, turns),
    })),
    ...rowCounts.map((rows) => ({
      what: `SupCon over ${rows} rows of ${width}, and its gradient`,
      ...loss(rows, turns),
    })),
  ];
}

/** Reads two tensors and writes one. */
function addition(count: number, turns: number): Omit<ReplicaCostsRow, 'what'> {
  const size = count * 1_000_000;
  const sum = tf.variable(tf.zeros([size]));
  const graph = capture({ variables: new Map([['sum', sum]]), resident: { gradient: tf.ones([size]) } });
  const step = graph.compile(([given], { variables, resident }) => {
    recording()?.update('AssignAddVariableOp', [variables.get('sum'), resident.gradient] as never, {
      dtype: { kind: 'type', value: 1 },
    });
    return [tf.clone(given as Tensor1D)];
  });
  const ms = timed(turns, () => step({ dtype: 'int32', shape: [], values: Int32Array.of(0) }));
  graph.dispose();
  return { ms, MB: (3 * 4 * size) / 1e6 };
}

function loss(rows: number, turns: number): Omit<ReplicaCostsRow, 'what'> {
  const { value } = createProjectionLoss(lossSchema.parse({ supcon: {} }), {
    dimension: width,
    classes: 10,
    labelColumns: null,
  });
  // A session has a state.
  const graph = capture({ variables: new Map([['none', tf.variable(tf.zeros([1]))]]), resident: {} });
  const step = graph.compile(([outputs, labels], { variables }) => {
    const { value: of, grad } = tf.valueAndGrad((all) => value(all as Tensor2D, labels as Tensor1D, variables))(
      outputs as Tensor2D,
    );
    return [of, tf.sum(grad)];
  });
  const outputs: TensorValue = {
    dtype: 'float32',
    shape: [rows, width],
    values: Float32Array.from({ length: rows * width }, (_, at) => Math.sin(at)),
  };
  const labels: TensorValue = {
    dtype: 'int32',
    shape: [rows],
    values: Int32Array.from({ length: rows }, (_, row) => row % 10),
  };
  const ms = timed(turns, () => step(outputs, labels));
  graph.dispose();
  return { ms, MB: (4 * rows * rows) / 1e6 };
}

function timed(turns: number, run: () => unknown): number {
  run();
  return median(
    Array.from({ length: turns }, () => {
      const started = performance.now();
      run();
      return performance.now() - started;
    }),
  );
}
