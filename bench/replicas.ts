import { createHash } from 'node:crypto';
import { type Ours, type OwnWorkload, openOurs } from './ours.ts';
import { median } from './statistics.ts';
import { resnet50v2, smallResnet } from './workloads.ts';

export interface ReplicasRow {
  readonly training: string;
  /** How a batch passes. */
  readonly passage: string;
  /** Of a step: the least and the median. */
  readonly ms: number;
  readonly 'median, ms': number;
  readonly nodes: number;
  /** Recording the steps, and handing the graph to TensorFlow. */
  readonly 'capture, s': number;
  /** Weights to the other devices, and gradients, statistics and outputs back, in a step. */
  readonly 'copied, MB': number;
  /** The losses and the state are those of parts that pass one after the other; null where they are not to be. */
  readonly 'same bits': boolean | null;
}

const trainings: Readonly<Record<string, OwnWorkload>> = {
  'small-resnet 16, batch 64, SupCon': { encoder: smallResnet(16), batch: 64, optimizer: 'adam' },
  'small-resnet 16, batch 64, cross-entropy': {
    encoder: smallResnet(16),
    batch: 64,
    optimizer: 'adam',
    loss: { crossEntropy: {} },
  },
  'resnet50v2 cifar, batch 16, SupCon': { encoder: resnet50v2('cifar'), batch: 16, optimizer: 'adam' },
};
const parts = 4;
const passages: Readonly<Record<string, OwnWorkload['parts'] | ((microbatch: number) => OwnWorkload['parts'])>> = {
  'in one part': undefined,
  'four parts, one at a time': (microbatch) => ({ microbatch }),
  'two at a time': (microbatch) => ({ microbatch, replicas: 2 }),
  'all at once': (microbatch) => ({ microbatch, replicas: 4 }),
  'all at once, joint batch normalisation': (microbatch) => ({ microbatch, replicas: 4, syncBatchNorm: true }),
};

/**
 * What parts that pass side by side cost beside their work, on devices that share one CPU: no step can be faster there than another, but for the second
 * pass forward that parts need which pass in several rounds. The passages take turns.
 */
export async function benchReplicas(turns: number, only: string): Promise<ReplicasRow[]> {
  const before = process.env.CONTRAIL_CPU_DEVICES;
  process.env.CONTRAIL_CPU_DEVICES = String(parts);
  try {
    return Object.entries(trainings)
      .filter(([name]) => name.includes(only))
      .flatMap(([name, workload]) => measure(name, workload, turns));
  } finally {
    if (before === undefined) delete process.env.CONTRAIL_CPU_DEVICES;
    else process.env.CONTRAIL_CPU_DEVICES = before;
  }
}

function measure(training: string, workload: OwnWorkload, turns: number): ReplicasRow[] {
  const open = Object.entries(passages).map(([passage, of]) => {
    const given = typeof of === 'function' ? of(workload.batch / parts) : of;
    const ours = openOurs({ ...workload, ...(given ? { parts: given } : {}) });
    const { losses } = ours.run(2);
    return { passage, given, ours, digest: digestOf(ours, losses), times: [] as number[] };
  });
  for (let turn = 0; turn < turns; turn++) for (const { ours, times } of open) times.push(...ours.run(1).milliseconds);
  const expected = open.find(({ given }) => given?.replicas === undefined && given)?.digest;
  const rows = open.map(({ passage, given, ours, digest, times }): ReplicasRow => {
    const { nodes = 0, seconds = { record: 0, load: 0 } } = ours.captured?.report() ?? {};
    return {
      training,
      passage,
      ms: Math.min(...times),
      'median, ms': median(times),
      nodes,
      'capture, s': seconds.record + seconds.load,
      'copied, MB': (2 * (Number(given?.replicas ?? 1) - 1) * 4 * ours.parameters) / 1e6,
      'same bits': given && !given.syncBatchNorm ? digest === expected : null,
    };
  });
  for (const { ours } of open) ours.dispose();
  return rows;
}

function digestOf(ours: Ours, losses: readonly number[]): string {
  const hash = createHash('sha256').update(losses.join());
  for (const [name, values] of ours.state()) hash.update(name).update(values);
  return hash.digest('hex');
}
