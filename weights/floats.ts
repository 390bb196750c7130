import type { StoredTensor } from '../store/index.ts';

/** The values of a tensor of type F32, F16 or BF16, each of which float32 holds exactly. */
export function floatsOf({ name, dtype, data }: StoredTensor): Float32Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  switch (dtype) {
    case 'F32':
      return data.byteOffset % 4 === 0
        ? new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4)
        : new Float32Array(data.slice().buffer);
    case 'BF16': {
      const bits = Uint32Array.from({ length: data.byteLength / 2 }, (_, at) => view.getUint16(2 * at, true) << 16);
      return new Float32Array(bits.buffer);
    }
    case 'F16':
      return Float32Array.from({ length: data.byteLength / 2 }, (_, at) => fromHalf(view.getUint16(2 * at, true)));
    default:
      throw new TypeError(`tensor ${name} is ${dtype}`);
  }
}

/** IEEE 754 binary16: a sign, five bits of exponent, ten of fraction. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
