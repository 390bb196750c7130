import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, encodeSafetensors, float32, type StoredTensor } from '../../store/index.ts';
import { floatsOf } from '../../weights/floats.ts';
import { loadWeights, readWeightFile } from '../../weights/index.ts';
import { permuted } from '../../weights/names/recipe.ts';
import { type Sample, samples } from './golden.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const digestOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

async function loadFrom(
  content: Uint8Array,
  { encoder, wanted }: Pick<Sample, 'encoder' | 'wanted'>,
  sha256 = digestOf(content),
) {
  const path = join(folder, 'w.safetensors');
  await writeFile(path, content);
  const variables = [...wanted.values()].map(({ name, shape }) => ({ name, shape }));
  return loadWeights({ path, sha256, title: 'w.safetensors' }, { encoder, wanted: variables });
}

const all = samples();
const convnext = all.find(({ encoder }) => encoder === 'convnext') as Sample;
const ones = (name: string, shape: readonly number[], dtype: StoredTensor['dtype'] = 'F32', fill = 0): StoredTensor => {
  const bytes = shape.reduce((a, b) => a * b, 1) * (dtype === 'F32' ? 4 : 2);
  return { name, dtype, shape, data: new Uint8Array(bytes).fill(fill) };
};
const fileOf = (tensors: readonly StoredTensor[]) => Buffer.concat(encodeSafetensors(tensors));

describe('weights that Python wrote', () => {
  it.each(all.map((each) => [`${each.encoder}: ${each.title}`, each] as const))(
    '%s: are the weights of the encoder, to the bit',
    async (_, sample) => {
      const { tensors, names } = await loadFrom(sample.file, sample);
      expect(names).toBe(sample.names);
      expect(tensors.size).toBe(sample.wanted.size);
      for (const [name, wanted] of sample.wanted) {
        const found = tensors.get(name) as StoredTensor;
        expect([name, found.shape, [...float32(found)]]).toEqual([name, wanted.shape, [...floatsOf(wanted)]]);
      }
    },
  );

  it('are read again from what Contrail writes', async () => {
    const { tensors } = await loadFrom(convnext.file, convnext);
    const again = await loadFrom(fileOf([...tensors.values()]), convnext);
    expect(again.names).toBe('contrail');
    expect(again.tensors).toEqual(tensors);
  });
});

describe('a file is refused', () => {
  it('where it has another digest, whatever else is wrong with it', async () => {
    const other = '0'.repeat(64);
    await expect(loadFrom(convnext.file, convnext, other)).rejects.toThrow(
      `w.safetensors has SHA-256 ${digestOf(convnext.file)}, not ${other}.`,
    );
    await expect(loadFrom(Buffer.from('hello'), convnext, other)).rejects.toThrow(`not ${other}`);
  });

  it('where it is no safetensors file, and a pickle is told how to become one', async () => {
    await expect(loadFrom(Buffer.alloc(100, 0xff), convnext)).rejects.toThrow(/\.pth\) can run code and are not read/);
    await expect(loadFrom(Buffer.from(''), convnext)).rejects.toThrow(/is not a safetensors file/);
    await expect(loadFrom(convnext.file.subarray(0, -1), convnext)).rejects.toThrow(/is not a safetensors file/);
    await expect(loadWeights({ path: folder, sha256: '', title: 'x' }, { encoder: 'vit', wanted: [] })).rejects.toThrow(
      'x is not a regular file.',
    );
  });

  it('where it has too many tensors, or one of too many axes', async () => {
    const empty = (name: string) => ones(name, [0]);
    const many = fileOf(Array.from({ length: 20_001 }, (_, at) => empty(`t${at}`)));
    await expect(loadFrom(many, convnext)).rejects.toThrow(/has 20001 tensors; at most 20000 are read/);
    await expect(loadFrom(fileOf([ones('a', Array(9).fill(1))]), convnext)).rejects.toThrow(/holds a with 9 axes/);
  });

  it('where a weight is infinite or no number', async () => {
    const wanted = new Map([['bn1.bias', ones('bn1.bias', [2])]]);
    const file = fileOf([ones('bn1.bias', [2], 'BF16', 0xff)]);
    await expect(loadFrom(file, { encoder: 'resnet50', wanted })).rejects.toThrow(
      /values in bn1\.bias that are infinite/,
    );
  });
});

describe('reading', () => {
  it('keeps what was chosen, and digests all', async () => {
    const path = join(folder, 'r.safetensors');
    const file = fileOf([ones('a', [2], 'F32', 1), ones('b', [3], 'F32', 2), ones('c', [1], 'F32', 3)]);
    await writeFile(path, file);
    const { tensors, sha256, bytes } = await readWeightFile(path, 'r', () => ['b']);
    expect([...tensors.values()]).toEqual([ones('b', [3], 'F32', 2)]);
    expect([sha256, bytes]).toEqual([digestOf(file), file.length]);
  });

  it('takes half precision of both kinds for the float32 that they are', () => {
    const half = (dtype: 'F16' | 'BF16', ...bits: number[]) => [
      ...floatsOf({
        name: 'x',
        dtype,
        shape: [bits.length],
        data: bytesOf(new Uint8Array(Uint16Array.from(bits).buffer)),
      }),
    ];
    expect(half('F16', 0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x3555)).toEqual([
      1,
      -2,
      2 ** -24,
      65504,
      -0,
      0.333251953125,
    ]);
    expect(half('F16', 0x7c00, 0x7e00)).toEqual([Number.POSITIVE_INFINITY, Number.NaN]);
    expect(half('BF16', 0x3f80, 0xc000, 0x3eab)).toEqual([1, -2, 0.333984375]);
  });

  it('turns axes', () => {
    const values = Float32Array.from({ length: 24 }, (_, at) => at);
    const turned = permuted({ shape: [2, 3, 4], values }, [2, 0, 1]);
    expect(turned.shape).toEqual([4, 2, 3]);
    expect([...turned.values.subarray(0, 7)]).toEqual([0, 4, 8, 12, 16, 20, 1]);
  });
});
