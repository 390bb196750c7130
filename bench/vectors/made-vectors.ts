import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { fold, randomUint32 } from '../../datasets/random.ts';
import { encodeNpy } from '../npy.ts';

/** Vectors of one cluster: embeddings of a trained encoder lie in clusters, and independent noise has no neighbours to find. */
const perCluster = 50;
/** Of each number, where a centre has length 1: two members of a cluster have a cosine of about 0.55. */
const deviation = 0.9;
const blockRows = 10_000;

export interface MadeVectors {
  readonly count: number;
  readonly dimension: number;
  /** Different draws from the same clusters. */
  readonly seed: number;
  readonly clusters: number;
}

export const clustersFor = (vectors: number): number => Math.max(10, Math.floor(vectors / perCluster));

/** Rows of unit length from a mixture of Gaussians on the sphere, in blocks, float32 [n, dimension]. */
export function* madeVectors({ count, dimension, seed, clusters }: MadeVectors): Generator<Float32Array> {
  const centres = normals(randomUint32(1, 'centres'));
  const noise = normals(randomUint32(seed, 'noise'));
  const drawn = randomUint32(seed, 'clusters');
  const scale = deviation / Math.sqrt(dimension);
  for (let first = 0; first < count; first += blockRows) {
    const block = new Float32Array(Math.min(blockRows, count - first) * dimension);
    for (let at = 0; at < block.length; at += dimension) {
      const row = first + at / dimension;
      const cluster = fold(drawn, row) % clusters;
      let square = 0;
      for (let j = 0; j < dimension; j++) {
        const value = centres(cluster * dimension + j) / Math.sqrt(dimension) + scale * noise(row * dimension + j);
        block[at + j] = value;
        square += value * value;
      }
      const length = Math.sqrt(square);
      for (let j = at; j < at + dimension; j++) block[j] = (block[j] as number) / length;
    }
    yield block;
  }
}

/** Standard normal draws by their number (Box and Muller). */
function normals(key: number): (counter: number) => number {
  const uniform = (counter: number) => (fold(key, counter) + 0.5) / 2 ** 32;
  return (counter) => Math.sqrt(-2 * Math.log(uniform(2 * counter))) * Math.cos(2 * Math.PI * uniform(2 * counter + 1));
}

/** Writes them as a NumPy file. */
export async function writeVectors(path: string, made: MadeVectors): Promise<void> {
  const file = createWriteStream(path);
  const whole = [made.count, made.dimension];
  file.write(encodeNpy('<f4', whole, new Float32Array()));
  for (const block of madeVectors(made))
    if (!file.write(Buffer.from(block.buffer, block.byteOffset, block.byteLength)))
      await new Promise<void>((resolve) => file.once('drain', resolve));
  file.end();
  await finished(file);
}
