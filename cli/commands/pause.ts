import { pauseUpdate } from '../../workflows/messages.ts';
import { say } from '../output.ts';
import { updateRun } from '../update-run.ts';

/** `contrail pause` */
export async function pauseCommand(
  run: string,
  steps: readonly string[],
  { reason }: { readonly reason?: string },
): Promise<number> {
  const request = { ...(steps.length > 0 ? { steps } : {}), ...(reason === undefined ? {} : { reason }) };
  await updateRun(run, (handle) => handle.executeUpdate(pauseUpdate, { args: [request] }));
  const what = steps.length > 0 ? `${steps.join(', ')} of ${run} will not go on` : `${run} starts nothing new`;
  say(`${what}; trainings stop at their next step with a checkpoint. \`contrail unpause ${run}\` lets it go on.`);
  return 0;
}
