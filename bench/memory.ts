import { fastEnvironment } from '../training/process/environment.ts';
import { openKeras } from './keras/peer.ts';
import { openStepPeer, type StepPeer, type StepWorkload } from './step-peer.ts';
import { describeEncoder, describeViews, imageShape, resnet50v2, smallResnet } from './workloads.ts';

export interface MemoryRow {
  readonly encoder: string;
  readonly views: string;
  /** The most resident memory of a process that trains, in MiB. */
  readonly ours: number;
  readonly keras: number;
  readonly ratioToKeras: number;
}

const steps = 10;

const workloads = [
  { encoder: smallResnet(16), batch: 128 },
  { encoder: resnet50v2(), batch: 32 },
  { encoder: resnet50v2(), batch: 128 },
];

/** The peak of memory of a training, from the start of its process: ours as a trainer is started, Keras as its users start it. */
export async function benchMemory(): Promise<MemoryRow[]> {
  const rows: MemoryRow[] = [];
  for (const { encoder, batch } of workloads) {
    const workload: StepWorkload = { encoder, batch, optimizer: 'adam', image: imageShape };
    const ours = await peakOf(openStepPeer('ours-peer.ts', fastEnvironment), workload);
    const keras = await peakOf(await openKeras('default'), workload);
    const names = { encoder: describeEncoder(encoder), views: describeViews(batch) };
    rows.push({ ...names, ours, keras, ratioToKeras: keras / ours });
  }
  return rows;
}

async function peakOf(peer: StepPeer, workload: StepWorkload): Promise<number> {
  try {
    await peer.openStep(workload);
    await peer.runSteps(steps);
    return (await peer.peakMemory()).mebibytes;
  } finally {
    await peer.close();
  }
}
