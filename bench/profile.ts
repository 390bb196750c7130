import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesOf, encodeSafetensors, type StoredTensor } from '../store/index.ts';
import { withFolder } from './folder.ts';
import type { KerasPeer } from './keras/peer.ts';
import { type Ours, openOurs } from './ours.ts';
import { median } from './statistics.ts';
import { describeEncoder, describeViews, resnet50v2, smallResnet } from './workloads.ts';

export interface ProfileRow {
  readonly encoder: string;
  readonly views: string;
  readonly op: string;
  /** Of the first output of one node; null in the rows that sum all nodes of an operation. */
  readonly output: string | null;
  readonly calls: number;
  /** Spent in a step; operations that run side by side count twice. */
  readonly ms: number;
  /** Of the sum over all operations. */
  readonly share: number | null;
}

const steps = 5;
const heaviest = 10;
/** Operations below this share are one row. */
const smallShare = 0.005;

const workloads = [
  { encoder: smallResnet(16), batch: 128 },
  { encoder: resnet50v2(), batch: 32 },
];

/**
 * Where a captured step's time goes, operation by operation, as TensorFlow traces it: the graph that we run, with the same
 * state, in the peer, since tfjs-node has no way to ask for a trace. Then the nodes that take longest.
 */
export async function benchProfile(tuned: KerasPeer): Promise<ProfileRow[]> {
  const rows: ProfileRow[] = [];
  for (const { encoder, batch } of workloads) {
    const { milliseconds, nodes } = await withFolder(async (folder) => {
      const ours = openOurs({ encoder, batch, optimizer: 'adam' });
      ours.run(1);
      const state = join(folder, 'state.safetensors');
      await writeFile(join(folder, 'saved_model.pb'), ours.captured?.savedModel() ?? '');
      await writeFile(state, Buffer.concat(encodeSafetensors(tensorsOf(ours))));
      ours.dispose();
      return tuned.profileStep(folder, state, steps);
    });
    const names = { encoder: describeEncoder(encoder), views: describeViews(batch) };
    const total = nodes.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const row = (op: string, output: string | null, calls: number, ms: number): ProfileRow => ({
      ...{ ...names, op, output, calls, ms, share: ms / total },
    });
    const byOp = new Map<string, { calls: number; ms: number }>();
    for (const { op, milliseconds } of nodes) {
      const { calls, ms } = byOp.get(op) ?? { calls: 0, ms: 0 };
      byOp.set(op, { calls: calls + 1, ms: ms + milliseconds });
    }
    const sums = [...byOp].toSorted(([, a], [, b]) => b.ms - a.ms);
    const small = sums.filter(([, { ms }]) => ms / total < smallShare).map(([, each]) => each);
    const sum = (key: 'calls' | 'ms') => small.reduce((total, each) => total + each[key], 0);
    rows.push(
      { ...row('a whole step, not traced', null, 1, median(milliseconds)), share: null },
      ...sums.filter(([, { ms }]) => ms / total >= smallShare).map(([op, { calls, ms }]) => row(op, null, calls, ms)),
      row('all others', null, sum('calls'), sum('ms')),
      ...nodes
        .toSorted((a, b) => b.milliseconds - a.milliseconds)
        .slice(0, heaviest)
        .map(({ op, output, milliseconds }) => row(op, output, 1, milliseconds)),
    );
  }
  return rows;
}

/** The state of a training, by the names of its slots in the graph. */
const tensorsOf = ({ state, shapes, resident }: Ours): StoredTensor[] => {
  const { images, labels, count, height, width, channels } = resident;
  return [
    ...[...state()].map(([name, values]) => ({
      name: `variable/${name}`,
      dtype: 'F32' as const,
      shape: shapes.get(name) ?? [],
      data: bytesOf(values),
    })),
    { name: 'resident/images', dtype: 'U8', shape: [count, height, width, channels], data: images },
    { name: 'resident/labels', dtype: 'I32', shape: [count], data: bytesOf(labels) },
  ];
};
