import type { KerasPeer } from './keras/peer.ts';
import { openOurs } from './ours.ts';
import { median } from './statistics.ts';
import { openStepPeer } from './step-peer.ts';
import { describeEncoder, describeViews, imageShape, pick, precisions, resnet50v2, smallResnet } from './workloads.ts';

export interface StepRow {
  readonly encoder: string;
  readonly views: string;
  readonly precision: string;
  /** Milliseconds a step, medians. */
  readonly ours: number;
  readonly keras: number;
  /** Keras with the settings of our trainers. */
  readonly tunedKeras: number;
  /** tfjs-node's own layers and optimizer, operation by operation; null for a precision that it has not. */
  readonly tfjs: number | null;
  readonly ratioToKeras: number;
  readonly ratioToTunedKeras: number;
  readonly ratioToTfjs: number | null;
}

const workloads = [
  { encoder: smallResnet(16), batch: 16 },
  { encoder: smallResnet(16), batch: 128 },
  { encoder: smallResnet(32), batch: 16 },
  { encoder: smallResnet(32), batch: 128 },
  { encoder: resnet50v2(), batch: 32 },
  { encoder: resnet50v2(), batch: 128 },
];

/**
 * A training step (ours with augmentation and gathering the batch, the peers' on ready-made views): medians over turns that
 * they take. A peer that trains another number of parameters than we do is refused.
 */
export async function benchSteps(keras: KerasPeer, tuned: KerasPeer, turns: number, only: string): Promise<StepRow[]> {
  const tfjs = openStepPeer('tfjs/peer.ts');
  try {
    const rows: StepRow[] = [];
    for (const { encoder, batch } of pick(workloads, only))
      for (const precision of precisions()) {
        const workload = { encoder, batch, optimizer: 'adam', precision, image: imageShape } as const;
        const peers = { keras, tuned, ...(precision === 'float32' ? { tfjs } : {}) };
        const ours = openOurs(workload);
        for (const [name, peer] of Object.entries(peers)) {
          const { parameters } = await peer.openStep(workload);
          if (parameters !== ours.parameters)
            throw new Error(`${name} has ${parameters} parameters where we have ${ours.parameters}`);
          await peer.runSteps(1);
        }
        ours.run(1);
        const times: Record<'ours' | 'keras' | 'tuned' | 'tfjs', number[]> = {
          ours: [],
          keras: [],
          tuned: [],
          tfjs: [],
        };
        for (let turn = 0; turn < turns; turn++) {
          times.ours.push(...ours.run(3).milliseconds);
          times.keras.push(...(await keras.runSteps(3)).milliseconds);
          times.tuned.push(...(await tuned.runSteps(3)).milliseconds);
          if (peers.tfjs) times.tfjs.push(...(await peers.tfjs.runSteps(2)).milliseconds);
        }
        ours.dispose();
        const own = median(times.ours);
        const plain = peers.tfjs ? median(times.tfjs) : null;
        const row = {
          encoder: describeEncoder(encoder),
          views: describeViews(batch),
          precision,
          ours: own,
          keras: median(times.keras),
          tunedKeras: median(times.tuned),
          tfjs: plain,
          ratioToKeras: median(times.keras) / own,
          ratioToTunedKeras: median(times.tuned) / own,
          ratioToTfjs: plain === null ? null : plain / own,
        };
        rows.push(row);
        // A table of many minutes tells what it has so far.
        process.stderr.write(`${JSON.stringify(row)}\n`);
      }
    return rows;
  } finally {
    await tfjs.close();
  }
}
