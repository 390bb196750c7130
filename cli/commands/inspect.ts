import { dataLines } from '../../contracts/data-account.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { PipelineStatus } from '../../contracts/status.ts';
import { loadPlan, openCheckpoints, openStore } from '../../store/index.ts';
import { openHome } from '../../worker/home.ts';
import { askRun, type RunAnswer } from '../ask-run.ts';
import { type ServerClient, withServer } from '../connection.ts';
import { coloured, formatBytes, formatSeconds, print, printJson, say, table } from '../output.ts';
import { pendingOf } from '../pending.ts';
import { describeRun, queryStatus, requireRunning } from '../runs.ts';
import { troubleLines, withTrouble } from '../trouble.ts';
import { checkRunId } from './run.ts';

/** `contrail status` */
export async function statusCommand(run: string, { json }: { readonly json: boolean }): Promise<number> {
  checkRunId(run);
  return withServer(async (server) => {
    const { status: execution, startTime, closeTime, runId } = await describeRun(server, run);
    const { status, why } = await currentStatus(server, run, execution.name === 'RUNNING');
    const state = status?.state === 'paused' ? 'paused' : execution.name.toLowerCase();
    if (json)
      printJson({
        run,
        execution: runId,
        state,
        started: startTime.toISOString(),
        ended: closeTime?.toISOString() ?? null,
        steps: status?.steps ?? null,
      });
    else {
      print(`${run}: ${state}, started ${startTime.toISOString()}`);
      if (!status) say(`The steps cannot be shown. ${why}`);
      else {
        print(
          table(
            ['step', 'kind', 'state', 'attempts', 'epoch', 'latest', 'took'],
            status.steps.map(
              ({ id, uses, state, reused, attempts, epoch, epochs, metrics, result, error, startedAt, endedAt }) => [
                id,
                uses,
                coloured(reused ? `${state} (reused)` : state),
                attempts,
                epoch === null ? '' : `${epoch} of ${epochs}`,
                error
                  ? (error.message.split('\n')[0] ?? '')
                  : typeof result?.top1 === 'number'
                    ? `top-1 ${result.top1.toFixed(4)}`
                    : metrics
                      ? `loss ${metrics.loss.toFixed(4)}`
                      : '',
                startedAt && endedAt ? formatSeconds((Date.parse(endedAt) - Date.parse(startedAt)) / 1000) : '',
              ],
            ),
          ),
        );
        for (const line of troubleLines(status.steps)) print(line);
        const { locate } = openStore(openHome().storeUrl);
        for (const step of status.steps) for (const line of dataLines(step, locate)) print(line);
      }
    }
    return 0;
  });
}

/** The state of every step, with what Temporal knows of attempts that failed; else why it is not known. */
async function currentStatus(
  server: ServerClient,
  run: string,
  isRunning: boolean,
): Promise<{ readonly status: PipelineStatus | null; readonly why: string }> {
  const answer: RunAnswer = isRunning ? await askRun(server, run) : { kind: 'ended' };
  if (answer.kind === 'silent') return { status: null, why: answer.why };
  if (answer.kind === 'ended')
    return {
      status: await queryStatus(server, run),
      why: 'No worker answers. Start one with `contrail worker` or `contrail dev`.',
    };
  const activities = await pendingOf(server, run, answer.status.steps);
  return { status: withTrouble(answer.status, activities), why: '' };
}

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
  const plan = await loadPlan(store, checkRunId(run));
  if (!plan) throw new ContrailError('RunNotFound', `The store knows no run ${run}.`);
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
          time.slice(0, 19).replace('T', ' '),
          problem ?? 'valid',
        ]),
      ),
    );
  return 0;
}
