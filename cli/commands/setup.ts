import { type Device, setup } from '../../native/index.ts';
import { bundledWorkflows, workflowKinds } from '../../worker/workflow-bundle.ts';
import { say } from '../output.ts';

/** `contrail setup` */
export async function setupCommand({ device }: { readonly device: Device | 'auto' }): Promise<number> {
  const chosen = await setup({ device, log: say });
  // A worker would do it when it first starts, and cannot where it may not write to the installation.
  for (const kind of workflowKinds) await bundledWorkflows(say, kind);
  say(`Set up for the ${chosen}.`);
  return 0;
}
