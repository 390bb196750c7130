import type { KerasPeer } from './keras/peer.ts';
import { openOurs } from './ours.ts';
import { precisions } from './precisions.ts';
import type { PytorchPeer } from './pytorch/peer.ts';
import { median } from './statistics.ts';
import { openStepPeer, type StepPeer, type StepWorkload } from './step-peer.ts';
import { describeEncoder, describeViews, imageShape, pick, resnet50v2, smallResnet } from './workloads.ts';

/** Those who take a step beside us. */
type Peer = 'keras' | 'tunedKeras' | 'tfjs' | 'pytorch' | 'pytorchCompiled';

/**
 * Milliseconds a step, medians, and how many times as fast we are. Null where a peer has not the precision, and in PyTorch's columns
 * where it cannot be installed.
 *
 * `tunedKeras`: Keras with the settings of our trainers. `tfjs`: tfjs-node's own layers and optimizer, operation by
 * operation. `pytorchCompiled`: the step through `torch.compile`.
 */
export type StepRow = {
  readonly encoder: string;
  readonly views: string;
  readonly precision: string;
  readonly ours: number;
} & { readonly [P in Peer | `ratioTo${Capitalize<Peer>}`]: number | null };

export interface PytorchPeers {
  readonly eager: PytorchPeer;
  readonly compiled: PytorchPeer;
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
export async function benchSteps(
  keras: KerasPeer,
  tuned: KerasPeer,
  pytorch: PytorchPeers | null,
  turns: number,
  only: string,
): Promise<StepRow[]> {
  const tfjs = openStepPeer('tfjs/peer.ts');
  const takers = (precision: string): readonly Taker[] => [
    { name: 'keras', peer: keras, steps: 3 },
    { name: 'tunedKeras', peer: tuned, steps: 3 },
    ...(precision === 'float32' ? [{ name: 'tfjs', peer: tfjs, steps: 2 } as const] : []),
    ...(pytorch ? [{ name: 'pytorch', peer: pytorch.eager, steps: 3 } as const] : []),
    ...(pytorch ? [{ name: 'pytorchCompiled', peer: pytorch.compiled, steps: 3 } as const] : []),
  ];
  try {
    const rows: StepRow[] = [];
    for (const { encoder, batch } of pick(workloads, only))
      for (const precision of precisions()) {
        const workload = { encoder, batch, optimizer: 'adam', precision, image: imageShape } as const;
        const times = await takeTurns(workload, takers(precision), turns);
        const names = { encoder: describeEncoder(encoder), views: describeViews(batch), precision };
        const row: StepRow = { ...names, ...summary(times) };
        rows.push(row);
        // A table of many minutes tells what it has so far.
        process.stderr.write(`${JSON.stringify(row)}\n`);
      }
    return rows;
  } finally {
    await tfjs.close();
  }
}

interface Taker {
  readonly name: Peer;
  readonly peer: StepPeer;
  /** In one turn. */
  readonly steps: number;
}

/** Milliseconds of each step. */
type Times = Readonly<Record<'ours' | Peer, readonly number[]>>;

async function takeTurns(workload: StepWorkload, takers: readonly Taker[], turns: number): Promise<Times> {
  const times: Record<'ours' | Peer, number[]> = {
    ours: [],
    keras: [],
    tunedKeras: [],
    tfjs: [],
    pytorch: [],
    pytorchCompiled: [],
  };
  const ours = openOurs(workload);
  try {
    for (const { name, peer } of takers) {
      const { parameters } = await peer.openStep(workload);
      if (parameters !== ours.parameters)
        throw new Error(`${name} has ${parameters} parameters where we have ${ours.parameters}`);
      await peer.runSteps(1);
    }
    ours.run(1);
    for (let turn = 0; turn < turns; turn++) {
      times.ours.push(...ours.run(3).milliseconds);
      for (const { name, peer, steps } of takers) times[name].push(...(await peer.runSteps(steps)).milliseconds);
    }
    return times;
  } finally {
    ours.dispose();
  }
}

function summary(times: Times): Omit<StepRow, 'encoder' | 'views' | 'precision'> {
  const own = median(times.ours);
  const of = (name: Peer) => (times[name].length > 0 ? median(times[name]) : null);
  const ratio = (name: Peer) => (times[name].length > 0 ? median(times[name]) / own : null);
  return {
    ours: own,
    keras: of('keras'),
    tunedKeras: of('tunedKeras'),
    tfjs: of('tfjs'),
    pytorch: of('pytorch'),
    pytorchCompiled: of('pytorchCompiled'),
    ratioToKeras: ratio('keras'),
    ratioToTunedKeras: ratio('tunedKeras'),
    ratioToTfjs: ratio('tfjs'),
    ratioToPytorch: ratio('pytorch'),
    ratioToPytorchCompiled: ratio('pytorchCompiled'),
  };
}
