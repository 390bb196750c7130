/** One field of a protocol buffer message, encoded. The few wire types that event files take. */
export type Field = Uint8Array;

/** A message: its fields one after the other. */
export const message = (...fields: readonly Field[]): Uint8Array => Buffer.concat(fields);

/** @param value a whole number from 0 */
export const integer = (number: number, value: number): Field => message(tag(number, 0), varint(value));

export function double(number: number, value: number): Field {
  const content = Buffer.alloc(8);
  content.writeDoubleLE(value);
  return message(tag(number, 1), content);
}

export function float(number: number, value: number): Field {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return message(tag(number, 5), content);
}

/** Text, bytes, or a message inside a message. */
export function bytes(number: number, value: Uint8Array | string): Field {
  const content = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  return message(tag(number, 2), varint(content.byteLength), content);
}

const tag = (number: number, wireType: number) => varint(number * 8 + wireType);

function varint(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a whole number from 0`);
  const found: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) found.push((rest % 128) + 128);
  return Uint8Array.of(...found, rest);
}
