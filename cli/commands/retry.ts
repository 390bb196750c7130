import { ContrailError } from '../../contracts/errors.ts';
import { openHome } from '../../home/home.ts';
import { openStore } from '../../store/index.ts';
import { retryUpdate } from '../../workflows/messages.ts';
import { withServer } from '../connection.ts';
import { followToEnd } from '../follow-to-end.ts';
import { requireKnownPlan } from '../known-plan.ts';
import { printJson, say } from '../output.ts';
import { planByNow } from '../plan-by-now.ts';
import { findRun, startRun } from '../runs.ts';
import { updateRun } from '../update-run.ts';

/** `contrail retry`: in a run that goes on by a message, else by starting the run again. */
export async function retryCommand(
  run: string,
  step: string,
  { detach, json }: { readonly detach: boolean; readonly json: boolean },
): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const plan = await requireKnownPlan(store, run);
  const { steps } = await planByNow(store, run, plan);
  if (![...steps, ...plan.steps].some(({ id }) => id === step))
    throw new ContrailError(
      'Usage',
      `The run ${run} has no step ${step}; its steps are ${steps.map(({ id }) => id).join(', ')}.`,
    );
  return withServer(async (server) => {
    const known = await findRun(server, run);
    if (known?.status.name === 'RUNNING')
      await updateRun(run, (handle) => handle.executeUpdate(retryUpdate, { args: [{ step }] }));
    else await startRun(server, store, run, plan, true, { redo: [step] });
    say(`Doing ${step} of ${run} again, and what follows it`);
    if (!detach) return followToEnd(server, store, run, json);
    if (json) printJson({ run });
    return 0;
  });
}
