import type { EncoderConfig } from '../contracts/training.ts';
import type { KerasPeer } from './keras/peer.ts';
import { openOurs } from './ours.ts';
import { median } from './statistics.ts';

export interface StepRow {
  readonly encoder: string;
  readonly views: string;
  readonly precision: string;
  readonly ours: number;
  readonly keras: number;
  /** Keras with the allocator settings of our trainers. */
  readonly tunedKeras: number;
  readonly eager: number | null;
  readonly ratioToKeras: number;
  readonly ratioToTunedKeras: number;
  readonly ratioToEager: number | null;
}

const small = (channels: number): EncoderConfig => ({ name: 'small-resnet', channels, blocks: [2, 2, 2] });
const resnet: EncoderConfig = { name: 'resnet50v2', stem: 'imagenet' };

const workloads = [
  { encoder: small(16), batch: 16 },
  { encoder: small(16), batch: 128 },
  { encoder: small(32), batch: 16 },
  { encoder: small(32), batch: 128 },
  { encoder: resnet, batch: 32 },
  { encoder: resnet, batch: 128 },
];

/**
 * A training step (ours with augmentation and gathering the batch, Keras's without): medians in milliseconds over turns
 * that they take.
 */
export async function benchSteps(keras: KerasPeer, tuned: KerasPeer, turns: number): Promise<StepRow[]> {
  const rows: StepRow[] = [];
  for (const { encoder, batch } of workloads)
    for (const precision of ['float32', 'bfloat16'] as const) {
      const ours = openOurs({ encoder, batch, optimizer: 'adam', precision });
      const eager = precision === 'float32' ? openOurs({ encoder, batch, optimizer: 'adam', engine: 'eager' }) : null;
      const image = [32, 32, 1];
      const workload = { encoder, batch, optimizer: 'adam', precision, image };
      await keras.ask('open-step', workload);
      await tuned.ask('open-step', workload);
      const times = { ours: [] as number[], keras: [] as number[], tuned: [] as number[], eager: [] as number[] };
      for (let turn = 0; turn < turns; turn++) {
        times.ours.push(...ours.run(3).milliseconds);
        times.keras.push(...((await keras.ask('run-steps', { count: 3 })).milliseconds as number[]));
        times.tuned.push(...((await tuned.ask('run-steps', { count: 3 })).milliseconds as number[]));
        if (eager) times.eager.push(...eager.run(1).milliseconds);
      }
      ours.dispose();
      eager?.dispose();
      const [own, peer, tunedPeer] = [median(times.ours), median(times.keras), median(times.tuned)];
      const one = eager ? median(times.eager) : null;
      rows.push({
        encoder: encoder.name === 'small-resnet' ? `${encoder.name} ${encoder.channels}` : encoder.name,
        views: `${batch} x 2`,
        precision,
        ours: own,
        keras: peer,
        tunedKeras: tunedPeer,
        eager: one,
        ratioToKeras: peer / own,
        ratioToTunedKeras: tunedPeer / own,
        ratioToEager: one === null ? null : one / own,
      });
    }
  return rows;
}
