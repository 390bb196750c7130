import { describe, expect, it } from 'vitest';
import { backend } from '../../training/capture/backend.ts';
import { DataType } from '../../training/capture/data-types.ts';
import { asCopied, copiedValues } from '../../training/copied-values.ts';
import { tf } from '../../training/tensorflow.ts';

/** One address in four would suit TensorFlow. */
const arrays = 100;

describe('the values of a tensor', () => {
  const { binding } = backend();
  const types = {
    float32: [binding.TF_FLOAT, Float32Array],
    int32: [binding.TF_INT32, Int32Array],
    uint8: [DataType.bool, Uint8Array],
  } as const;

  it.each(Object.entries(types))(
    'are copied, %s: the memory of the array is never lent to TensorFlow',
    (_, [dtype, Typed]) => {
      for (let each = 0; each < arrays; each++) {
        const values = new Typed(1000 + each).fill(1);
        const id = binding.createTensor([values.length], dtype, values);
        values.fill(0);
        expect(binding.tensorDataSync(id).every((value) => value === 1)).toBe(true);
        binding.deleteTensor(id);
      }
    },
  );

  it('are copied where tfjs makes the tensor', () => {
    for (let each = 0; each < arrays; each++) {
      const values = new Float32Array(1000 + each).fill(1);
      tf.tidy(() => {
        const tensor = tf.tensor1d(values);
        // Hands the values over.
        const sum = tf.sum(tensor);
        values.fill(2);
        expect(sum.dataSync()[0]).toBe(values.length);
        expect(tf.sum(tensor).dataSync()[0]).toBe(values.length);
      });
    }
  });

  it('are copied once: by us, or where they are made for it, by TensorFlow', () => {
    for (const type of ['float32', 'int32', 'uint8'] as const) {
      const values = copiedValues(type, 3).fill(7);
      expect(asCopied(values)).toBe(values);
      expect([...values]).toEqual([7, 7, 7]);
      const others = values.slice();
      expect(asCopied(others)).not.toBe(others);
      expect(asCopied(others)).toEqual(others);
    }
  });
});
