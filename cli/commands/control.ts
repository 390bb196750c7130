import { type WorkflowHandle, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ContrailError } from '../../contracts/errors.ts';
import type { Json } from '../../contracts/json.ts';
import { openHome } from '../../home/home.ts';
import { loadPlan, openStore } from '../../store/index.ts';
import { pauseUpdate, retryUpdate, unpauseUpdate } from '../../workflows/messages.ts';
import { confirm } from '../confirm.ts';
import { type ServerClient, withServer } from '../connection.ts';
import { printJson, say } from '../output.ts';
import { planByNow } from '../plan-by-now.ts';
import { keepChanges } from '../recorded-changes.ts';
import { findRun, requireRunning, startRun } from '../runs.ts';
import { checkRunId, follow } from './run.ts';

/** Sends an update. What the workflow refuses becomes a sentence. @throws ContrailError Usage, RunNotFound */
export async function update<T>(
  run: string,
  send: (handle: WorkflowHandle, server: ServerClient) => Promise<T>,
): Promise<T> {
  checkRunId(run);
  return withServer(async (server) => {
    await requireRunning(server, run);
    try {
      return await send(server.client.workflow.getHandle(run), server);
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError)
        throw new ContrailError('Usage', error.cause?.message ?? error.message, { cause: error });
      if (error instanceof WorkflowNotFoundError)
        throw new ContrailError('Usage', `The run ${run} ended meanwhile.`, { cause: error });
      throw error;
    }
  });
}

const named = (steps: readonly string[]) => (steps.length > 0 ? { steps } : {});

/** `contrail pause` */
export async function pauseCommand(
  run: string,
  steps: readonly string[],
  { reason }: { readonly reason?: string },
): Promise<number> {
  const request = { ...named(steps), ...(reason === undefined ? {} : { reason }) };
  await update(run, (handle) => handle.executeUpdate(pauseUpdate, { args: [request] }));
  const what = steps.length > 0 ? `${steps.join(', ')} of ${run} will not go on` : `${run} starts nothing new`;
  say(`${what}; trainings stop at their next step with a checkpoint. \`contrail unpause ${run}\` lets it go on.`);
  return 0;
}

/** `contrail unpause` */
export async function unpauseCommand(
  run: string,
  steps: readonly string[],
  { set }: { readonly set: Readonly<Record<string, Json>> },
): Promise<number> {
  const request = { ...named(steps), ...(Object.keys(set).length > 0 ? { set } : {}) };
  const concerned = await update(run, (handle) => handle.executeUpdate(unpauseUpdate, { args: [request] }));
  const [only] = steps;
  if (only !== undefined) await keepChanges(openStore(openHome().storeUrl), run, only, set);
  say(`${run} goes on${concerned.length > 0 ? `: ${concerned.join(', ')}` : ''}.`);
  return 0;
}

/** `contrail retry`: in a run that goes on by a message, else by starting the run again. */
export async function retryCommand(
  run: string,
  step: string,
  { detach, json }: { readonly detach: boolean; readonly json: boolean },
): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const plan = await loadPlan(store, checkRunId(run));
  if (!plan) throw new ContrailError('RunNotFound', `The store knows no run ${run}.`);
  const { steps } = await planByNow(store, run, plan);
  if (![...steps, ...plan.steps].some(({ id }) => id === step))
    throw new ContrailError(
      'Usage',
      `The run ${run} has no step ${step}; its steps are ${steps.map(({ id }) => id).join(', ')}.`,
    );
  return withServer(async (server) => {
    const known = await findRun(server, run);
    if (known?.status.name === 'RUNNING')
      await update(run, (handle) => handle.executeUpdate(retryUpdate, { args: [{ step }] }));
    else await startRun(server, store, run, plan, true, { redo: [step] });
    say(`Doing ${step} of ${run} again, and what follows it`);
    if (!detach) return follow(server, store, run, json);
    if (json) printJson({ run });
    return 0;
  });
}

/** `contrail terminate` */
export async function terminateCommand(run: string, { yes }: { readonly yes: boolean }): Promise<number> {
  checkRunId(run);
  return withServer(async (server) => {
    await requireRunning(server, run);
    if (!yes && !(await confirm(`End ${run} at once, without a checkpoint and without its finally steps?`))) return 1;
    try {
      await server.client.workflow.getHandle(run).terminate('contrail terminate');
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      throw new ContrailError('Usage', `The run ${run} ended meanwhile.`, { cause: error });
    }
    say(`Ended ${run}. \`contrail resume ${run}\` goes on from the last checkpoints.`);
    return 0;
  });
}
