import type { Json } from '../../contracts/json.ts';
import { openHome } from '../../home/home.ts';
import { openStore } from '../../store/index.ts';
import { unpauseUpdate } from '../../workflows/messages.ts';
import { say } from '../output.ts';
import { keepChanges } from '../recorded-changes.ts';
import { updateRun } from '../update-run.ts';

/** `contrail unpause` */
export async function unpauseCommand(
  run: string,
  steps: readonly string[],
  { set }: { readonly set: Readonly<Record<string, Json>> },
): Promise<number> {
  const request = { ...(steps.length > 0 ? { steps } : {}), ...(Object.keys(set).length > 0 ? { set } : {}) };
  const concerned = await updateRun(run, (handle) => handle.executeUpdate(unpauseUpdate, { args: [request] }));
  const [only] = steps;
  if (only !== undefined) await keepChanges(openStore(openHome().storeUrl), run, only, set);
  say(`${run} goes on${concerned.length > 0 ? `: ${concerned.join(', ')}` : ''}.`);
  return 0;
}
