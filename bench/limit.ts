import type { EncoderConfig } from '../contracts/training.ts';
import { createEncoder } from '../training/models/create-encoder.ts';
import type { KerasPeer } from './keras/peer.ts';
import { openOurs } from './ours.ts';
import { median } from './statistics.ts';
import { describeEncoder, describeViews, imageShape, resnet50v2, smallResnet } from './workloads.ts';

export interface LimitRow {
  readonly encoder: string;
  readonly views: string;
  /** Multiplications and additions of a step's convolutions and matrix products, both ways. */
  readonly gflop: number;
  readonly gflopPerSecond: number;
  /** Of a float32 matrix product of 2048 x 2048 on the same machine. */
  readonly peak: number;
  readonly share: number;
}

const [side] = imageShape;
/** Of ResNet50V2 with Keras's stem on a 32x32 image. */
const resnetMultiplications = 71e6;

const workloads = [
  { encoder: smallResnet(16), batch: 128 },
  { encoder: smallResnet(32), batch: 128 },
  { encoder: resnet50v2(), batch: 128 },
];

/** How far a captured step is from what the machine's matrix units could do. */
export async function benchLimit(keras: KerasPeer, turns: number): Promise<LimitRow[]> {
  const rows: LimitRow[] = [];
  for (const { encoder, batch } of workloads) {
    const ours = openOurs({ encoder, batch, optimizer: 'adam' });
    ours.run(1);
    const milliseconds: number[] = [];
    let peak = 0;
    for (let turn = 0; turn < turns; turn++) {
      milliseconds.push(...ours.run(3).milliseconds);
      peak = Math.max(peak, (await keras.matmulPeak(2048, 1)).gflops);
    }
    ours.dispose();
    // Forward, and the gradients of operand and weights, cost the same each.
    const gflop = (3 * 2 * multiplications(encoder) * batch * 2) / 1e9;
    const gflopPerSecond = gflop / (median(milliseconds) / 1000);
    rows.push({
      encoder: describeEncoder(encoder),
      views: describeViews(batch),
      gflop,
      gflopPerSecond,
      peak,
      share: gflopPerSecond / peak,
    });
  }
  return rows;
}

/** Multiplications to embed one image. */
function multiplications(encoder: EncoderConfig): number {
  if (encoder.name === 'resnet50v2') return resnetMultiplications;
  return createEncoder(encoder, { height: side, width: side, channels: 1 })
    .parameters.filter(({ name }) => name.endsWith('/kernel'))
    .reduce((sum, { name, shape }) => {
      const stage = Number(/^stage(\d+)_/.exec(name)?.[1] ?? 1);
      return sum + shape.reduce((a, b) => a * b, 1) * (side / 2 ** (stage - 1)) ** 2;
    }, 0);
}
