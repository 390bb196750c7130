import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encoderSchema } from '../../contracts/training.ts';
import { bytesOf, encodeSafetensors } from '../../store/index.ts';
import { createEncoder } from '../../training/models/create-encoder.ts';

/** Writes weights that an encoder can start from; gives the `initialWeights` that name them. */
export async function madeWeights(folder: string, encoder: object): Promise<{ path: string; sha256: string }> {
  const { parameters } = createEncoder(encoderSchema.parse(encoder), { height: 32, width: 32, channels: 3 });
  const tensors = parameters.map(({ name, shape }) => {
    const values = Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      // Scales and variances of normalisation are positive.
      (_, at) => (/gamma|variance/.test(name) ? 1 : 0.1 * Math.sin(at + name.length)),
    );
    return { name, dtype: 'F32', shape, data: bytesOf(values) } as const;
  });
  const content = Buffer.concat(encodeSafetensors(tensors));
  const path = join(folder, 'made.safetensors');
  await writeFile(path, content);
  return { path, sha256: createHash('sha256').update(content).digest('hex') };
}
