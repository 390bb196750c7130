import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Target } from '../engine/target.ts';

const headerBytes = (input: Uint8Array): number =>
  input.length < 8 ? 0 : Math.min(Number(Buffer.from(input).readBigUInt64LE(0)), input.length - 8);

/** Weights in safetensors: our own, and those that somebody else wrote. */
export const safetensors: Target = {
  name: 'safetensors',
  reads: 'files of tensors (safetensors), and weights from elsewhere',
  form: 'bytes',
  tokens: ['"F32"', '"shape":', '"data_offsets":', '"__metadata__":', '[0,4]', '"dtype":', 'BF16', 'I64', '__proto__'],
  region: (input) => ({ from: 8, to: 8 + headerBytes(input), form: 'json' }),
  // The length of the header is where its closing brace is.
  repair: (input) => {
    const end = Buffer.from(input).lastIndexOf('}');
    if (end < 8) return input;
    const copy = Buffer.from(input);
    copy.writeBigUInt64LE(BigInt(end + 1 - 8), 0);
    return copy;
  },
  open: async ({ folder }) => {
    const { decodeSafetensors, encodeSafetensors, float32, int32 } = await import('../../../store/index.ts');
    const { readWeightFile, recognise } = await import('../../../weights/index.ts');
    const bytes = (count: number) => Uint8Array.from({ length: count }, (_, at) => (7 * at) & 255);
    const file = (...tensors: Parameters<typeof encodeSafetensors>) => Buffer.concat(encodeSafetensors(...tensors));
    const seeds = [
      file([{ name: 'a', dtype: 'F32', shape: [2, 3], data: bytes(24) }], { epoch: '3', best: '{"loss":1}' }),
      file([
        { name: 'embeddings', dtype: 'F32', shape: [4, 2], data: bytes(32) },
        { name: 'keys', dtype: 'I32', shape: [4], data: bytes(16) },
        { name: 'nothing', dtype: 'U8', shape: [0, 5], data: bytes(0) },
        { name: 'scalar', dtype: 'F64', shape: [], data: bytes(8) },
      ]),
      // The names by which networks are recognised.
      file([
        { name: 'blocks.0.attn.qkv.weight', dtype: 'F16', shape: [3, 1], data: bytes(6) },
        { name: 'patch_embed.proj.weight', dtype: 'F32', shape: [3, 1, 2, 2], data: bytes(48) },
        { name: 'pos_embed', dtype: 'F32', shape: [1, 5, 1], data: bytes(20) },
      ]),
      file([{ name: 'stem_0/kernel', dtype: 'F32', shape: [1, 1, 3, 2], data: bytes(24) }]),
      file([]),
    ];
    const path = join(folder, 'weights.safetensors');
    return {
      seeds,
      run: async (input) => {
        const { tensors } = decodeSafetensors(input, 'weights');
        let numbers = 0;
        for (const tensor of tensors.values()) {
          if (tensor.dtype === 'F32') numbers += float32(tensor).length;
          if (tensor.dtype === 'I32') numbers += int32(tensor).length;
        }
        await writeFile(path, input);
        const { header } = await readWeightFile(path, 'weights', ({ tensors: all }) => [...all.keys()]);
        return `${tensors.size} tensors, ${numbers} numbers, ${recognise(header.tensors)?.encoder ?? 'unknown'}`;
      },
    };
  },
};
