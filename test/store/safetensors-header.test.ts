import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, float32 } from '../../store/index.ts';

const fileOf = (header: string | Uint8Array, data = 0, claimed?: bigint): Uint8Array => {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed ?? BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(data)]);
};
const tensor = (from: number, to: number, shape = '[1]', dtype = 'F32') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`;

describe('a safetensors header is refused', () => {
  const bad: [string, Uint8Array][] = [
    ['that claims more than there is', fileOf('{}', 0, 3n)],
    ['that claims more than any machine has', fileOf('{}', 0, 2n ** 63n)],
    ['that is not JSON', fileOf('{"a":')],
    ['that is not an object', fileOf('[]')],
    ['that does not begin with a brace', fileOf(' {}')],
    ['that is not UTF-8', fileOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))],
    ['with an unknown dtype', fileOf(`{"a":${tensor(0, 4, '[1]', 'F8')}}`, 4)],
    ['with an unknown member', fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"code":"x"}}', 4)],
    ['with a negative dimension', fileOf(`{"a":${tensor(0, 4, '[-1]')}}`, 4)],
    ['with a shape of another size', fileOf(`{"a":${tensor(0, 4, '[2]')}}`, 4)],
    ['with a shape too large to count', fileOf(`{"a":${tensor(0, 4, '[9007199254740991,9007199254740991]')}}`, 4)],
    ['with offsets that run backwards', fileOf(`{"a":${tensor(4, 0)}}`, 4)],
    ['with offsets past the end', fileOf(`{"a":${tensor(0, 4)}}`, 0)],
    ['with a gap', fileOf(`{"a":${tensor(0, 4)},"b":${tensor(8, 12)}}`, 12)],
    ['with an overlap', fileOf(`{"a":${tensor(0, 4)},"b":${tensor(2, 6)}}`, 6)],
    ['with bytes that belong to no tensor', fileOf(`{"a":${tensor(0, 4)}}`, 5)],
    ['with more brackets than can be looked at', fileOf(`{"a":${'['.repeat(4e6)}${']'.repeat(4e6)}}`)],
    ['with metadata that is not text', fileOf('{"__metadata__":{"epoch":3}}')],
  ];
  it.each(bad)('%s', (_, file) => {
    expect(() => decodeSafetensors(file, 'x.safetensors')).toThrow(
      expect.objectContaining({
        code: 'CorruptArtifact',
        message: expect.stringMatching(/^x\.safetensors is not a sound/),
      }),
    );
  });

  it('whatever bytes it has', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeSafetensors(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'CorruptArtifact' });
        }
      }),
    );
  });
});

describe('safetensors', () => {
  it('are read from writers that order the header and the bytes differently', () => {
    const { tensors } = decodeSafetensors(fileOf(`{"a":${tensor(4, 8)},"b":${tensor(0, 4)}}`, 8));
    expect([...tensors.keys()].sort()).toEqual(['a', 'b']);
  });

  it('keep names and metadata that JavaScript treats as special', () => {
    const names = ['10', '9', '__proto__', 'constructor', 'a"b', 'é'];
    const list = names.map((name, i) => ({ name, dtype: 'U8' as const, shape: [1], data: Uint8Array.of(i) }));
    const metadata = Object.fromEntries(names.map((name) => [name, name]));
    const decoded = decodeSafetensors(Buffer.concat(encodeSafetensors(list, metadata)));
    for (const [i, name] of names.entries()) expect(decoded.tensors.get(name)?.data).toEqual(Buffer.from([i]));
    expect(Object.entries(decoded.metadata).sort()).toEqual(Object.entries(metadata).sort());
  });

  it('begin their bytes at a multiple of eight, and are views except where a float would not be aligned', () => {
    const data = new Uint8Array(Float32Array.of(1, 2).buffer);
    const file = Buffer.concat(
      encodeSafetensors([
        { name: 'a', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
        { name: 'b', dtype: 'F32', shape: [2], data },
      ]),
    );
    expect(Number(file.readBigUInt64LE()) % 8).toBe(0);
    const { tensors } = decodeSafetensors(file);
    const [a, b] = [tensors.get('a'), tensors.get('b')];
    expect(a?.data.buffer).toBe(file.buffer);
    expect(b && [...float32(b)]).toEqual([1, 2]);
  });

  it('are not written with a name used twice, kept for metadata, or bytes that do not fit', () => {
    const one = { name: 'a', dtype: 'U8' as const, shape: [1], data: Uint8Array.of(1) };
    expect(() => encodeSafetensors([one, one])).toThrow(/two tensors are named a/);
    expect(() => encodeSafetensors([{ ...one, name: '__metadata__' }])).toThrow(TypeError);
    expect(() => encodeSafetensors([{ ...one, shape: [2] }])).toThrow(/has 1 bytes, not those of U8 \[2\]/);
  });
});
