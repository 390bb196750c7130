import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import { shownConfusion } from '../../contracts/confusion.ts';
import type { Plan } from '../../contracts/plan.ts';
import type { Source } from '../../contracts/schedules.ts';
import { keepPrivate, openHome } from '../../home/home.ts';
import { setup } from '../../native/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { connect, ownServer, type ServerClient } from '../connection.ts';
import { startDevEnvironment } from '../dev-environment.ts';
import { uiAddress } from '../dev-record.ts';
import { freePorts } from '../dev-server.ts';
import { followRun } from '../follow.ts';
import { interruptedCode, interruptSignal } from '../interrupt.ts';
import { print, printJson, say } from '../output.ts';
import { openPipelineFile } from '../pipeline-file.ts';
import { newRunId, startRun } from '../runs.ts';
import { loadEvaluations, reportOf, reportText, summarise } from '../summary.ts';

const pipelineFile = fileURLToPath(new URL('../../pipelines/quickstart.yaml', import.meta.url));

/**
 * `contrail quickstart`: sets up, starts a server and a worker, trains, shows what came out, and stops what it started.
 * Interrupted anywhere, the next one goes on with the same run.
 */
export async function quickstartCommand({
  json,
  keep,
}: {
  readonly json: boolean;
  readonly keep: boolean;
}): Promise<number> {
  const start = performance.now();
  const signal = interruptSignal();
  const home = openHome();
  await setup({ device: 'auto', log: say });
  keepPrivate();
  const environment = await startDevEnvironment(home, freePorts, say);
  const pipeline = await openPipelineFile(pipelineFile);
  const plan = pipeline.plan({});
  const store = openStore(home.storeUrl);
  const server = await connect(home, ownServer(environment.server));
  try {
    const { run, execution } = await startOrPickUp(server, store, plan, pipeline.source());
    const temporalUi = uiAddress(environment.server, run, execution);
    say(`Run ${pc.bold(run)}; watch it in Temporal at ${temporalUi}`);
    await followRun(server, run, { json: false, signal });
    if (signal.aborted) {
      say('Stopping; trainers checkpoint first. `npm run quickstart` goes on from there.');
      return interruptedCode;
    }
    const evaluation = (await loadEvaluations(store, run, plan)).at(-1)?.evaluation;
    if (!evaluation) throw new Error('a completed run has an evaluation');
    const report = await reportOf(store, run);
    const seconds = Math.round((performance.now() - start) / 1000);
    if (json) {
      const { top1, top5, macroF1, knn, classes } = evaluation;
      // Of ten classes: small enough for the whole matrix.
      const confusion = shownConfusion(evaluation.confusion, classes.length, classes.length).counts;
      printJson({ run, top1, top5, macroF1, knn, confusion, classes, report, temporalUi, seconds });
    } else
      print(
        [
          '',
          summarise(evaluation),
          '',
          `Report       ${reportText(report, run)}`,
          `Temporal UI  ${temporalUi}${keep ? '' : ' (with --keep, or while `contrail dev` runs)'}`,
          `Took         ${seconds} s`,
        ].join('\n'),
      );
    return 0;
  } finally {
    await server.close();
    if (keep || environment.takenOver.includes('server')) {
      const { server, worker } = environment.leave();
      say(`Server and worker go on; \`kill ${worker} ${server}\` stops them.`);
    } else await environment.stop();
  }
}

/** The run of this pipeline that was begun and not ended, or a new one. */
async function startOrPickUp(
  server: ServerClient,
  store: Store,
  plan: Plan,
  source: Source,
): Promise<{ run: string; execution: string }> {
  const prefix = `quickstart-${createHash('sha256').update(source.text).digest('hex').slice(0, 8)}`;
  for await (const { workflowId, runId, status } of server.lister.workflow.list({
    query: `WorkflowType = 'pipeline' AND WorkflowId STARTS_WITH '${prefix}'`,
  })) {
    if (status.name === 'RUNNING') {
      say('Going on with the run that was interrupted.');
      return { run: workflowId, execution: runId };
    }
    if (status.name === 'COMPLETED') break;
    say('Resuming the run that was interrupted.');
    return { run: workflowId, execution: await startRun(server, store, workflowId, plan, true) };
  }
  const run = newRunId(prefix);
  return { run, execution: await startRun(server, store, run, plan, false, { source }) };
}
