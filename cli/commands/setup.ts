import { type Device, setup } from '../../native/index.ts';
import { bundledWorkflows } from '../../worker/workflow-bundle.ts';
import { say } from '../output.ts';

/** `contrail setup` */
export async function setupCommand({ device }: { readonly device: Device | 'auto' }): Promise<number> {
  const chosen = await setup({ device, log: say });
  // A worker would do it when it first starts, and cannot where it may not write to the installation.
  for (const encodesFailures of [false, true])
    for (const traced of [false, true]) await bundledWorkflows(say, { encodesFailures, traced });
  say(`Set up for the ${chosen}.`);
  return 0;
}
