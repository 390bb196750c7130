import { WorkflowNotFoundError } from '@temporalio/client';
import { ContrailError } from '../../contracts/errors.ts';
import { confirm } from '../confirm.ts';
import { withServer } from '../connection.ts';
import { checkRunId } from '../given-names.ts';
import { say } from '../output.ts';
import { requireRunning } from '../runs.ts';

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
