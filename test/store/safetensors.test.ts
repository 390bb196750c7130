import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, decodeSafetensors, encodeSafetensors, float32, openStore } from '../../store/index.ts';

const tensors = fc.uniqueArray(
  fc.record({
    name: fc.string({ minLength: 1 }).filter((name) => name !== '__metadata__'),
    values: fc.array(fc.float({ noNaN: true })),
  }),
  { selector: ({ name }) => name, maxLength: 6 },
);
const fileOf = (list: { name: string; values: number[] }[], metadata: Record<string, string> = {}) =>
  Buffer.concat(
    encodeSafetensors(
      list.map(({ name, values }) => ({
        name,
        dtype: 'F32',
        shape: [values.length],
        data: bytesOf(Float32Array.from(values)),
      })),
      metadata,
    ),
  );

describe('safetensors', () => {
  it('come back bit for bit, in any order the same file', () => {
    fc.assert(
      fc.property(tensors, (list) => {
        const file = fileOf(list, { a: 'b' });
        const decoded = decodeSafetensors(file);
        for (const { name, values } of list) {
          const tensor = decoded.tensors.get(name);
          expect(tensor && float32(tensor)).toEqual(Float32Array.from(values));
        }
        expect(decoded.metadata).toEqual({ a: 'b' });
        expect(fileOf(list.toReversed(), { a: 'b' }).equals(file)).toBe(true);
      }),
    );
  });

  it('are refused when anything is cut off or added', () => {
    const file = fileOf([{ name: 'w', values: [1, 2, 3] }]);
    for (let length = 0; length < file.length; length++)
      expect(() => decodeSafetensors(file.subarray(0, length))).toThrow(/safetensors|damaged|sound/);
    expect(() => decodeSafetensors(Buffer.concat([file, Buffer.from([0])]))).toThrow();
  });
});

describe('the store', () => {
  it('refuses a path that leaves it', async () => {
    const store = openStore('/tmp/contrail-store-paths');
    for (const path of ['../x', '/etc/passwd', 'a/../../x', '', 'a//b', 'a\\b', './a', 'a\u0000b'])
      await expect(async () => store.read(path)).rejects.toThrow();
  });

  it('refuses an address that it cannot open', () => {
    expect(() => openStore('ftp://host/x')).toThrow(/file:/);
  });
});
