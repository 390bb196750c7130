import { type Device, setup } from '../../native/index.ts';
import { bundledWorkflows } from '../../worker/workflow-bundle.ts';
import { say } from '../output.ts';

/** `contrail setup` */
export async function setupCommand({ device }: { readonly device: Device | 'auto' }): Promise<number> {
  const chosen = await setup({ device, log: say });
  // A worker would do it when it first starts; of an installation that it cannot write to, each time. In clear, and for encrypted payloads.
  for (const encodesFailures of [false, true]) await bundledWorkflows(say, { encodesFailures, traced: false });
  say(`Set up for the ${chosen}.`);
  return 0;
}
