/** TensorFlow's numbers for the types of tensors (types.proto). */
export const DataType = {
  float32: 1,
  int32: 3,
  uint8: 4,
  string: 7,
  bool: 10,
  bfloat16: 14,
  float16: 19,
  resource: 20,
} as const;

const byteSizes: Readonly<Record<number, number>> = {
  [DataType.float32]: 4,
  [DataType.int32]: 4,
  [DataType.uint8]: 1,
  [DataType.bool]: 1,
};

/** Bytes of one element of a type that constants may have; undefined for the others. */
export const byteSize = (dtype: number): number | undefined => byteSizes[dtype];

export const dataTypeName = (dtype: number): string =>
  Object.entries(DataType).find(([, number]) => number === dtype)?.[0] ?? `type ${dtype}`;
