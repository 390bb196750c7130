/**
 * tfjs-node lends TensorFlow the memory of a typed array whose address suits TensorFlow (a multiple of 64, by chance), and
 * takes it back in whichever thread drops the tensor last. For a variable that a captured step replaces that is a thread of
 * TensorFlow's, and Node's own memory is damaged there. An array whose address does not suit TensorFlow is copied, and let go
 * at once, so all that we hand over begin four bytes after a multiple of eight.
 */

export type Values = Float32Array | Int32Array | Uint8Array;

const arrays = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const;
const shift = 4;

/** An array of zeros that TensorFlow copies: for values that are handed over again and again. */
export function copiedValues<Type extends keyof typeof arrays>(
  type: Type,
  length: number,
): InstanceType<(typeof arrays)[Type]> {
  const Typed = arrays[type];
  const memory = new ArrayBuffer(shift + length * Typed.BYTES_PER_ELEMENT);
  return new Typed(memory, shift, length) as InstanceType<(typeof arrays)[Type]>;
}

/** The values in an array that TensorFlow copies: the same array where it does already. */
export function asCopied(values: Values): Values {
  // The memory of an ArrayBuffer begins at a multiple of eight.
  if (values.byteOffset % 8 !== 0) return values;
  const type = values instanceof Float32Array ? 'float32' : values instanceof Int32Array ? 'int32' : 'uint8';
  const copy = copiedValues(type, values.length);
  copy.set(values);
  return copy;
}
