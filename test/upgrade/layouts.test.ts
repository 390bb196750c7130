import { describe, expect, it } from 'vitest';
import { checkpointName } from '../../store/checkpoint-names.ts';
import { comparePoints, encodeSafetensors, parseCheckpointName } from '../../store/index.ts';
import { npyHeader } from '../../vectors/output/index.ts';

/** Layouts that no schema describes, to the byte. What files of the fixtures hold is in the tests beside this one. */
const textOf = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString('latin1');

describe('the bytes', () => {
  it('of tensors are those of safetensors: the length of the header, the header by name, the values', () => {
    const tensors = [
      { name: 'w', dtype: 'F32', shape: [2], data: new Uint8Array(Float32Array.of(1, -2).buffer) },
      { name: 'labels', dtype: 'I32', shape: [1, 1], data: new Uint8Array(Int32Array.of(7).buffer) },
      { name: 'images', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) },
    ] as const;
    const header =
      '{"__metadata__":{"epoch":"3","step":"0"},' +
      '"images":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},' +
      '"labels":{"dtype":"I32","shape":[1,1],"data_offsets":[3,7]},' +
      '"w":{"dtype":"F32","shape":[2],"data_offsets":[7,15]}}';
    const length = Math.ceil(header.length / 8) * 8;
    expect(textOf(encodeSafetensors(tensors, { step: '0', epoch: '3' }))).toBe(
      `${String.fromCharCode(length)}\0\0\0\0\0\0\0${header.padEnd(length)}\x01\x02\xff\x07\0\0\0\0\0\x80\x3f\0\0\0\xc0`,
    );
  });

  it("of an export's arrays are those of NumPy", () =>
    expect(textOf([npyHeader('<f4', [12, 4])])).toBe(
      `\x93NUMPY\x01\0\x76\0${"{'descr': '<f4', 'fortran_order': False, 'shape': (12, 4,), }".padEnd(117)}\n`,
    ));
});

describe('the names', () => {
  it('of checkpoints say where a training stood, and in which order they come', () => {
    const end = { epoch: 3, step: 0, token: 1 };
    const amid = { epoch: 3, step: 40, token: 2 };
    expect([checkpointName(end), checkpointName(amid)]).toEqual(['epoch-000003-t1', 'epoch-000003-step-000040-t2']);
    expect([parseCheckpointName('epoch-000003-t1'), parseCheckpointName('epoch-000003-step-000040-t2')]).toEqual([
      end,
      amid,
    ]);
    expect(comparePoints(end, amid)).toBeLessThan(0);
  });
});
