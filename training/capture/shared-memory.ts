import type { NativeBinding, NativeTensor } from './backend.ts';
import { DataType } from './data-types.ts';
import { elementsOf } from './graph.ts';

/** Results below this size keep their own memory. */
const largeBytes = 1 << 20;

/**
 * Memory for the run that is recorded. What it computes goes nowhere, but tfjs holds all of it until the step returns, several
 * times what the graph has at once. So the large results of one shape share the memory of the first of them, and with it
 * its values.
 */
export interface SharedMemory {
  /** Takes the results of an operation and gives those to go on with. */
  readonly share: (results: readonly NativeTensor[]) => NativeTensor[];
  readonly release: () => void;
}

export function createSharedMemory(binding: NativeBinding): SharedMemory {
  const firsts = new Map<string, number>();
  /** Another tensor with the same memory. */
  const alias = (id: number, dtype: number): NativeTensor =>
    binding.executeOp(
      'Identity',
      [{ name: 'T', type: binding.TF_ATTR_TYPE, value: dtype }],
      [id],
      1,
    )[0] as NativeTensor;
  return {
    share: (results) =>
      results.map((result) => {
        const { id, shape, dtype } = result;
        if (dtype !== DataType.float32 || 4 * elementsOf(shape) < largeBytes) return result;
        const first = firsts.get(shape.join());
        if (first === undefined) {
          firsts.set(shape.join(), alias(id, dtype).id);
          return result;
        }
        binding.deleteTensor(id);
        return alias(first, dtype);
      }),
    release: () => {
      for (const id of firsts.values()) binding.deleteTensor(id);
    },
  };
}
