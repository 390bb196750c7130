import { openCheckpoints, openStore, requirePlan } from '../../store/index.ts';
import { openHome } from '../../worker/home.ts';
import { withServer } from '../connection.ts';
import { formatBytes, print, printJson, say, table } from '../output.ts';
import { requireRunning } from '../runs.ts';
import { localTime } from '../times.ts';
import { checkRunId } from './run.ts';

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

/** `contrail checkpoints` */
export async function checkpointsCommand(run: string, { json }: { readonly json: boolean }): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const plan = await requirePlan(store, checkRunId(run));
  const perStep = await Promise.all(
    plan.steps.map(async ({ id }) => {
      const checkpoints = openCheckpoints(store, { run, step: id });
      return Promise.all(
        (await checkpoints.list()).map(async ({ name, manifest, bytes }) => {
          const problem = await checkpoints.load(name).then(
            () => null,
            (error: unknown) => (error instanceof Error ? error.message : String(error)),
          );
          return {
            step: id,
            name,
            epoch: manifest.epoch,
            withinEpoch: manifest.step,
            digest: manifest.digest,
            loss: manifest.metrics?.loss ?? null,
            bytes,
            time: manifest.createdAt,
            valid: problem === null,
            problem,
          };
        }),
      );
    }),
  );
  const rows = perStep.flat();
  if (json) printJson(rows);
  else
    print(
      table(
        ['step', 'epoch', 'digest', 'loss', 'size', 'time', 'state'],
        rows.map(({ step, epoch, withinEpoch, digest, loss, bytes, time, problem }) => [
          step,
          withinEpoch ? `${epoch} + ${withinEpoch} steps` : epoch,
          digest.slice(0, 16),
          loss?.toFixed(4) ?? '',
          formatBytes(bytes),
          localTime(time),
          problem ?? 'valid',
        ]),
      ),
    );
  return 0;
}
