import { residentMebibytes } from '../memory-use.ts';
import { serveLines } from '../serve-lines.ts';
import type { StepWorkload } from '../step-peer.ts';
import { openStep } from './step.ts';

/** tfjs-node as its own users run it: layers and an optimizer of tfjs, operation by operation. */
let opened: ReturnType<typeof openStep> | undefined;

await serveLines({
  'open-step': (workload) => {
    opened?.dispose();
    opened = openStep(workload as unknown as StepWorkload);
    return { parameters: opened.parameters };
  },
  'run-steps': ({ count }) => {
    if (!opened) throw new Error('open-step comes first');
    return opened.run(count as number);
  },
  'peak-memory': () => ({ mebibytes: residentMebibytes('peak') }),
});
