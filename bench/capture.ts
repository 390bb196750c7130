import { readFileSync } from 'node:fs';
import { openOurs } from './ours.ts';

/** What capturing costs, how large the graph is, and whether memory stays flat. */
export async function benchCapture(): Promise<object[]> {
  const resnet = openOurs({ encoder: { name: 'resnet50v2', stem: 'imagenet' }, batch: 32, optimizer: 'adam' });
  const report = resnet.report();
  resnet.dispose();
  const small = openOurs({
    encoder: { name: 'small-resnet', channels: 8, blocks: [1, 1] },
    batch: 16,
    optimizer: 'adam',
  });
  small.run(200);
  const before = residentMebibytes();
  small.run(2000);
  const grown = residentMebibytes() - before;
  small.dispose();
  return [
    { measure: 'ResNet50V2, 32 x 2: capture and first step, seconds', value: resnet.firstStepMilliseconds / 1000 },
    { measure: 'ResNet50V2: graph, MB', value: (report?.bytes ?? 0) / 1e6 },
    { measure: 'ResNet50V2: nodes', value: report?.nodes ?? 0 },
    { measure: 'growth of resident memory over 2,000 steps, MiB', value: grown },
  ];
}

function residentMebibytes(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}
