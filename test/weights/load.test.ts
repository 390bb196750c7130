import { createHash } from 'node:crypto';
import { truncateSync } from 'node:fs';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
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

  it('with names and shapes that do nothing to a terminal and do not fill it', async () => {
    const name = `\x1b[31m${'n'.repeat(100_000)}`;
    const refused = async (content: Uint8Array, sample: Pick<Sample, 'encoder' | 'wanted'> = convnext) => {
      const error = await loadFrom(content, sample).then(String, (reason: Error) => reason.message);
      expect(error).toContain('\\x1b[31m');
      expect(error).not.toContain('\x1b');
      expect(error.length).toBeLessThan(1500);
    };
    await refused(fileOf([ones(name, Array(9).fill(1))]));
    const header = JSON.stringify({ [name]: { dtype: 'F32', shape: Array(5000).fill(1), data_offsets: [0, 9] } });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    await refused(Buffer.concat([length, Buffer.from(header), Buffer.alloc(9)]));
    const wanted = new Map([['w', ones(`${name}.bias`, [2])]]);
    await refused(fileOf([ones(`${name}.bias`, [2], 'BF16', 0xff)]), { encoder: 'resnet50', wanted });
    await refused(fileOf([ones(`${name}.bias`, [3])]), { encoder: 'resnet50', wanted });
    await refused(fileOf([ones(`${name}.bias`, [2], 'I16')]), { encoder: 'resnet50', wanted });
  });

  it('where it is larger than any, before its digest is taken', async () => {
    const path = join(folder, 'large.safetensors');
    await writeFile(path, '');
    await truncate(path, 16 * 2 ** 30 + 1);
    const signal = AbortSignal.abort(new Error('it was read'));
    await expect(readWeightFile(path, 'large', () => [], { signal })).rejects.toThrow(/^large has 16.* at most/);
  });

  it('where it has fewer bytes than the length of a header, by their number', async () => {
    await expect(loadFrom(Buffer.from('abc'), convnext)).rejects.toThrow('is not a safetensors file: it has 3 bytes.');
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

  it('ends where it is interrupted', async () => {
    const path = join(folder, 'interrupted.safetensors');
    await writeFile(path, fileOf([ones('a', [2])]));
    const stop = new AbortController();
    const choose = () => {
      stop.abort(new Error('interrupted'));
      return [];
    };
    await expect(readWeightFile(path, 'r', choose, { signal: stop.signal })).rejects.toThrow('interrupted');
  });

  it('names a file that became shorter meanwhile', async () => {
    const path = join(folder, 'shorter.safetensors');
    await writeFile(path, fileOf([ones('a', [2_000_000])]));
    const choose = () => {
      truncateSync(path, 1000);
      return [];
    };
    await expect(readWeightFile(path, 'mine', choose)).rejects.toThrow('mine became shorter while it was read');
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
