import { type Device, setup } from '../../native/index.ts';
import { say } from '../output.ts';

/** `contrail setup` */
export async function setupCommand({ device }: { readonly device: Device | 'auto' }): Promise<number> {
  const chosen = await setup({ device, log: say });
  say(`Set up for the ${chosen}.`);
  return 0;
}
