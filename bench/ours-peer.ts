import { residentMebibytes } from './memory-use.ts';
import { type Ours, openOurs } from './ours.ts';
import { serveLines } from './serve-lines.ts';
import type { StepWorkload } from './step-peer.ts';

/** Our training step in a process of its own. */
let opened: Ours | undefined;

await serveLines({
  'open-step': (workload) => {
    opened?.dispose();
    opened = openOurs(workload as unknown as StepWorkload);
    return { parameters: opened.parameters };
  },
  'run-steps': ({ count }) => {
    if (!opened) throw new Error('open-step comes first');
    const { milliseconds, losses } = opened.run(count as number);
    return { milliseconds, loss: losses.at(-1) };
  },
  'peak-memory': () => ({ mebibytes: residentMebibytes('peak') }),
});
