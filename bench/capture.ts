import { residentMebibytes } from './memory-use.ts';
import { openOurs } from './ours.ts';
import { median } from './statistics.ts';
import { resnet50v2, smallResnet } from './workloads.ts';

export interface CaptureRow {
  readonly measure: string;
  readonly value: number;
  readonly limit: number | null;
  readonly ok: boolean | null;
}

/** What capturing costs, how large the graph is, and whether memory stays flat. */
export async function benchCapture(): Promise<CaptureRow[]> {
  const resnet = openOurs({ encoder: resnet50v2(), batch: 32, optimizer: 'adam' });
  const [first = Number.NaN] = resnet.run(1).milliseconds;
  const step = median(resnet.run(5).milliseconds) / 1000;
  const report = resnet.captured?.report();
  resnet.dispose();
  if (!report) throw new Error('a graph gives a report');
  const { record, load } = report.seconds;
  const rest = first / 1000 - record - load;

  const small = openOurs({ encoder: smallResnet(8, [1, 1]), batch: 16, optimizer: 'adam' });
  small.run(200);
  const before = residentMebibytes('now');
  small.run(2000);
  const grown = residentMebibytes('now') - before;
  small.dispose();

  const part = (measure: string, value: number) => ({ measure, value, limit: null, ok: null });
  const limited = (measure: string, value: number, limit: number) => ({ measure, value, limit, ok: value < limit });
  return [
    part('resnet50v2, 32 x 2: record the step, seconds', record),
    part('hand the graph to TensorFlow, with the state, seconds', load),
    part('first run, in which TensorFlow optimises the graph, seconds', rest),
    part('a later run, seconds', step),
    limited('capture: the first three less a later run, seconds', record + load + rest - step, 5),
    limited('graph, MB', report.bytes / 1e6, 5),
    part('nodes', report.nodes),
    limited('growth of resident memory over 2,000 steps, MiB', grown, 16),
  ];
}
