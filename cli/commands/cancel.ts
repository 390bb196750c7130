import { withServer } from '../connection.ts';
import { checkRunId } from '../given-names.ts';
import { say } from '../output.ts';
import { requireRunning } from '../runs.ts';

/** `contrail cancel` */
export async function cancelCommand(run: string, { wait }: { readonly wait: boolean }): Promise<number> {
  checkRunId(run);
  return withServer(async (server) => {
    await requireRunning(server, run);
    const handle = server.client.workflow.getHandle(run);
    await handle.cancel();
    say(`Asked ${run} to stop; its trainers checkpoint first. \`contrail resume ${run}\` goes on from there.`);
    if (wait) await handle.result().catch(() => undefined);
    return 0;
  });
}
